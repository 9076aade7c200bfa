//! An order in which every object comes after what it needs.

use std::collections::{BTreeMap, BTreeSet};

/// Sorts `keys` so that each comes after its dependencies, keeping their order otherwise. A cycle is cut
/// where the walk closes it.
pub(super) fn sort<'a>(keys: &[&'a str], needs: &BTreeMap<&'a str, Vec<&'a str>>) -> Vec<&'a str> {
    let known: BTreeSet<&str> = keys.iter().copied().collect();
    let mut sorted = Vec::with_capacity(keys.len());
    let mut seen = BTreeSet::new();
    for key in keys {
        // An explicit stack: chains of views can be deeper than the thread's own stack allows.
        let mut stack = vec![(*key, 0_usize)];
        if !seen.insert(*key) {
            continue;
        }
        while let Some((current, place)) = stack.pop() {
            match needs.get(current).and_then(|list| list.get(place)) {
                Some(next) => {
                    stack.push((current, place + 1));
                    if known.contains(next) && seen.insert(next) {
                        stack.push((next, 0));
                    }
                }
                None => sorted.push(current),
            }
        }
    }
    sorted
}

#[cfg(test)]
mod tests {
    use super::sort;
    use std::collections::BTreeMap;

    #[test]
    fn every_key_follows_what_it_needs_and_a_cycle_ends() {
        let needs = BTreeMap::from([("a", vec!["c"]), ("c", vec!["b"]), ("x", vec!["y"]), ("y", vec!["x"])]);

        assert_eq!(sort(&["a", "b", "c", "x", "y"], &needs), ["b", "c", "a", "y", "x"]);
    }
}
