//! Products of the columns of a table with one another, which is where the time of every covariance goes.
//!
//! Columns are taken four by four: such a block of sixteen sums fits the registers, and each pass over two panels of
//! observations feeds all of them. Observations go in stretches short enough that a stretch of all columns stays in the
//! second-level cache.

use crate::{Matrix, QuantError};

/// Observations of one stretch.
const STRETCH: usize = 128;
/// Columns of a panel.
const WIDTH: usize = 4;

/// Observations packed for the product: stretch by stretch, panel by panel, observation by observation.
pub(super) struct Packed {
    columns: usize,
    data: Vec<[f64; WIDTH]>,
}

impl Packed {
    /// Packs what `row` writes for each observation.
    pub(super) fn new(columns: usize, observations: usize, row: impl Fn(usize, &mut [f64])) -> Self {
        let panels = columns.div_ceil(WIDTH);
        let mut data = vec![[0.0; WIDTH]; panels * observations];
        let mut values = vec![0.0; columns];
        for start in (0..observations).step_by(STRETCH) {
            let length = STRETCH.min(observations - start);
            for offset in 0..length {
                row(start + offset, &mut values);
                for (panel, part) in values.chunks(WIDTH).enumerate() {
                    data[start * panels + panel * length + offset][..part.len()].copy_from_slice(part);
                }
            }
        }
        Self { columns, data }
    }

    /// The symmetric matrix of sums over observations of products of columns, over `divisor`; fails if one is not finite.
    pub(super) fn product(&self, divisor: f64) -> Result<Matrix, QuantError> {
        let panels = self.columns.div_ceil(WIDTH);
        let mut sums = Matrix::zeros(self.columns, self.columns);
        for stretch in self.data.chunks((panels * STRETCH).max(1)) {
            let length = stretch.len() / panels;
            for (i, left) in stretch.chunks_exact(length).enumerate() {
                for (j, right) in stretch.chunks_exact(length).enumerate().skip(i) {
                    self.add((i, j), &block(left, right), &mut sums);
                }
            }
        }
        for i in 0..self.columns {
            for j in i..self.columns {
                let value = crate::check::finite("covariance", sums[(i, j)] / divisor)?;
                sums[(i, j)] = value;
                sums[(j, i)] = value;
            }
        }
        Ok(sums)
    }

    /// Adds the block of two panels, leaving out what pads the last.
    fn add(&self, (i, j): (usize, usize), block: &[[f64; WIDTH]; WIDTH], sums: &mut Matrix) {
        let first = j * WIDTH;
        let width = WIDTH.min(self.columns - first);
        for (offset, row) in block.iter().enumerate().take(self.columns - i * WIDTH) {
            let target = &mut sums.row_mut(i * WIDTH + offset)[first..first + width];
            for (sum, value) in target.iter_mut().zip(row) {
                *sum += value;
            }
        }
    }
}

fn block(left: &[[f64; WIDTH]], right: &[[f64; WIDTH]]) -> [[f64; WIDTH]; WIDTH] {
    let mut sums = [[0.0; WIDTH]; WIDTH];
    for (a, b) in left.iter().zip(right) {
        for i in 0..WIDTH {
            for j in 0..WIDTH {
                sums[i][j] += a[i] * b[j];
            }
        }
    }
    sums
}
