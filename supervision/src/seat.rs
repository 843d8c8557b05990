//! A supervisor's place in the tree: who its parent is and which children it has. It outlives the supervisor's
//! incarnations, so children added at run time are there again after a restart.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use crate::health::{ActorState, NodeKind, TreeView};
use crate::node::Node;
use crate::port::PortLimits;
use crate::spec::{ChildSpec, GiveUp};
use crate::supervisor::Control;

/// Position of a child in start order; never used again after its child is removed.
pub(crate) type Key = u64;

pub(crate) struct Seat {
    name: Arc<str>,
    node: Arc<Node>,
    parent: OnceLock<Parent>,
    roster: Mutex<Roster>,
}

struct Parent {
    seat: Weak<Seat>,
    give_up: GiveUp,
}

#[derive(Default)]
struct Roster {
    children: BTreeMap<Key, Arc<ChildSpec>>,
    by_name: HashMap<Arc<str>, Key>,
    next_key: Key,
}

impl Seat {
    pub(crate) fn new(name: Arc<str>) -> Arc<Self> {
        // Control requests wait for their answer, so their number is bounded by who asks; no permits are needed.
        let limits = PortLimits { normal: 0, urgent: 0, recovering: 0 };
        let node = Node::new(NodeKind::Supervisor, limits);
        Arc::new(Self { name, node, parent: OnceLock::new(), roster: Mutex::default() })
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(crate) fn node(&self) -> &Arc<Node> {
        &self.node
    }

    /// Adds a child at the end; none if the name is taken.
    pub(crate) fn add(self: &Arc<Self>, child: ChildSpec) -> Option<Key> {
        let mut roster = self.roster();
        if roster.by_name.contains_key(&child.name) {
            return None;
        }
        if let Some(seat) = &child.seat {
            let parent = Parent { seat: Arc::downgrade(self), give_up: child.give_up };
            seat.parent.get_or_init(|| parent);
        }
        let key = roster.next_key;
        roster.next_key += 1;
        roster.by_name.insert(child.name.clone(), key);
        roster.children.insert(key, Arc::new(child));
        Some(key)
    }

    pub(crate) fn remove(&self, key: Key) {
        let mut roster = self.roster();
        if let Some(child) = roster.children.remove(&key) {
            roster.by_name.remove(&child.name);
        }
    }

    pub(crate) fn key_of(&self, name: &str) -> Option<Key> {
        self.roster().by_name.get(name).copied()
    }

    pub(crate) fn get(&self, key: Key) -> Option<Arc<ChildSpec>> {
        self.roster().children.get(&key).cloned()
    }

    /// All children in start order.
    pub(crate) fn children(&self) -> Vec<(Key, Arc<ChildSpec>)> {
        self.roster().children.iter().map(|(key, child)| (*key, child.clone())).collect()
    }

    /// Finds the supervisor, at or below this one, that has the child at `path`; and the child's name.
    pub(crate) fn locate<'a>(self: &Arc<Self>, path: &'a str) -> Option<(Arc<Self>, &'a str)> {
        let own = self.node.path();
        let below = path.strip_prefix(&*own).and_then(|rest| rest.strip_prefix('/')).unwrap_or(path);
        let (parents, name) = below.rsplit_once('/').unwrap_or(("", below));
        let mut seat = self.clone();
        for part in parents.split('/').filter(|part| !part.is_empty()) {
            let child = seat.key_of(part).and_then(|key| seat.get(key))?;
            seat = child.seat.clone()?;
        }
        seat.key_of(name)?;
        Some((seat, name))
    }

    /// The parent that counts the failures of this supervisor's children; none beyond a bulkhead.
    pub(crate) fn counting_parent(&self) -> Option<Arc<Seat>> {
        let parent = self.parent.get()?;
        if parent.give_up == GiveUp::Quarantine { None } else { parent.seat.upgrade() }
    }

    /// Sends to the supervisor's current incarnation.
    pub(crate) fn control(&self, control: Control) -> Result<(), Control> {
        self.node.push(control)
    }

    /// Shows everything below as down, after the supervisor ended without stopping it.
    pub(crate) fn mark_down(&self, state: ActorState) {
        for (_, child) in self.children() {
            if child.node.state() != ActorState::Quarantined {
                child.node.set_state(state);
            }
            if let Some(seat) = &child.seat {
                seat.mark_down(state);
            }
        }
    }

    pub(crate) fn view(&self, path: Arc<str>) -> TreeView {
        let view_child = |(_, child): (Key, Arc<ChildSpec>)| {
            let child_path = join(&path, &child.name);
            match &child.seat {
                Some(seat) => seat.view(child_path),
                None => TreeView {
                    name: child.name.clone(),
                    health: child.node.health(child_path),
                    children: Vec::new(),
                },
            }
        };
        let children = self.children().into_iter().map(view_child).collect();
        TreeView { name: self.name.clone(), health: self.node.health(path), children }
    }

    fn roster(&self) -> MutexGuard<'_, Roster> {
        self.roster.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The path of a child.
pub(crate) fn join(parent: &str, name: &str) -> Arc<str> {
    Arc::from(format!("{parent}/{name}"))
}
