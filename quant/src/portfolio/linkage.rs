//! Hierarchical clustering as SciPy does it, ties and order of leaves included.
//!
//! Single linkage by the minimum spanning tree (Prim; Gower and Ross 1969), Ward's by the chain of nearest neighbours
//! (Murtagh 1983; Lance and Williams 1967 for the distances to a merged cluster): both O(n²) (Müllner 2011).

use super::ASSETS_MAX;
use crate::{Matrix, QuantError, check};

/// What the distance between two clusters is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Linkage {
    /// The least distance between their members.
    Single,
    /// The growth of the spread within clusters if they are merged (Ward 1963).
    Ward,
}

/// Two clusters that become one. Below the number of items, a cluster is that item; above, it is the merge of that rank.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Merge {
    /// The cluster of the smaller number.
    pub first: usize,
    /// The other cluster.
    pub second: usize,
    /// Distance between the two.
    pub distance: f64,
    /// Number of items in both.
    pub size: usize,
}

/// The `n − 1` merges of `n` items, by distance.
///
/// # Errors
/// Unless the distances are a square symmetric matrix, finite and not negative, of at most [`ASSETS_MAX`] items.
pub fn linkage(distances: &Matrix, method: Linkage) -> Result<Vec<Merge>, QuantError> {
    let n = distances.rows();
    if n > ASSETS_MAX {
        return Err(QuantError::TooMany { what: "distances", most: ASSETS_MAX, got: n });
    }
    distances.check_square("distances", n)?;
    check::series("distances", distances.as_slice(), 1)?;
    for i in 0..n {
        for (j, &value) in distances.row(i).iter().enumerate() {
            check::not_negative("distance", value)?;
            if value > super::MAGNITUDE_MAX || (j < i && value.to_bits() != distances[(j, i)].to_bits()) {
                return Err(QuantError::OutOfRange {
                    what: "distance",
                    value,
                    expected: "symmetric, and no larger than 1e100",
                });
            }
        }
    }
    let mut edges = match method {
        Linkage::Single => spanning_tree(distances),
        Linkage::Ward => ward_chain(distances.clone()),
    };
    edges.sort_by(|a, b| a.distance.total_cmp(&b.distance));
    Ok(numbered(&edges, n))
}

/// The items in the order in which the tree of merges has them as leaves.
pub(super) fn leaf_order(merges: &[Merge]) -> Vec<usize> {
    let n = merges.len() + 1;
    let mut order = Vec::with_capacity(n);
    let mut pending = vec![2 * n - 2];
    while let Some(cluster) = pending.pop() {
        if cluster < n {
            order.push(cluster);
        } else {
            let merge = merges[cluster - n];
            pending.extend([merge.second, merge.first]);
        }
    }
    order
}

/// Two items whose clusters are merged.
struct Edge {
    ends: (usize, usize),
    distance: f64,
}

/// The tree's edges in the order in which it grows. An edge is named by the items reached one after the other: in a
/// single-linkage cluster they are in the same cluster as the true ends.
fn spanning_tree(distances: &Matrix) -> Vec<Edge> {
    let n = distances.rows();
    let mut nearest = vec![f64::INFINITY; n];
    let mut is_reached = vec![false; n];
    let mut edges = Vec::with_capacity(n.saturating_sub(1));
    let mut last = 0;
    for _ in 1..n {
        is_reached[last] = true;
        let mut next = (last, f64::INFINITY);
        for (i, &distance) in distances.row(last).iter().enumerate() {
            if is_reached[i] {
                continue;
            }
            nearest[i] = nearest[i].min(distance);
            if nearest[i] < next.1 {
                next = (i, nearest[i]);
            }
        }
        edges.push(Edge { ends: (last, next.0), distance: next.1 });
        last = next.0;
    }
    edges
}

fn ward_chain(mut distances: Matrix) -> Vec<Edge> {
    let n = distances.rows();
    let mut sizes = vec![1.0_f64; n];
    let mut chain: Vec<usize> = Vec::with_capacity(n);
    let mut edges = Vec::with_capacity(n.saturating_sub(1));
    while edges.len() + 1 < n {
        let Some(&tip) = chain.last() else {
            chain.extend(sizes.iter().position(|size| *size > 0.0));
            continue;
        };
        let before = chain.len().checked_sub(2).map(|place| chain[place]);
        let mut nearest =
            before.map_or((tip, f64::INFINITY), |neighbour| (neighbour, distances[(tip, neighbour)]));
        for (i, &distance) in distances.row(tip).iter().enumerate() {
            if sizes[i] > 0.0 && i != tip && distance < nearest.1 {
                nearest = (i, distance);
            }
        }
        if before != Some(nearest.0) {
            chain.push(nearest.0);
            continue;
        }
        chain.truncate(chain.len() - 2);
        let (gone, kept) = (tip.min(nearest.0), tip.max(nearest.0));
        merge_ward(&mut distances, &mut sizes, (gone, kept));
        edges.push(Edge { ends: (gone, kept), distance: nearest.1 });
    }
    edges
}

/// Puts a merged cluster in the place of the second, and its distances to the others.
fn merge_ward(distances: &mut Matrix, sizes: &mut [f64], (gone, kept): (usize, usize)) {
    let between = distances[(gone, kept)];
    let (size_gone, size_kept) = (sizes[gone], sizes[kept]);
    (sizes[gone], sizes[kept]) = (0.0, size_gone + size_kept);
    for i in (0..sizes.len()).filter(|i| *i != kept) {
        let size = sizes[i];
        if size > 0.0 {
            let (from_gone, from_kept) = (distances[(gone, i)], distances[(kept, i)]);
            let square = (size + size_gone) * from_gone * from_gone
                + (size + size_kept) * from_kept * from_kept
                - size * between * between;
            let distance = (square / (size_gone + size_kept + size)).max(0.0).sqrt();
            distances[(i, kept)] = distance;
            distances[(kept, i)] = distance;
        }
    }
}

/// Names clusters by rank instead of by an item in them.
fn numbered(edges: &[Edge], n: usize) -> Vec<Merge> {
    let mut parents: Vec<usize> = (0..2 * n).collect();
    let mut sizes = vec![1; 2 * n];
    let mut merges = Vec::with_capacity(edges.len());
    for (rank, edge) in edges.iter().enumerate() {
        let (a, b) = (root(&mut parents, edge.ends.0), root(&mut parents, edge.ends.1));
        let merged = n + rank;
        (parents[a], parents[b]) = (merged, merged);
        sizes[merged] = sizes[a] + sizes[b];
        merges.push(Merge {
            first: a.min(b),
            second: a.max(b),
            distance: edge.distance,
            size: sizes[merged],
        });
    }
    merges
}

fn root(parents: &mut [usize], mut item: usize) -> usize {
    while parents[item] != item {
        // Every other link is shortened, so that no path grows long.
        parents[item] = parents[parents[item]];
        item = parents[item];
    }
    item
}
