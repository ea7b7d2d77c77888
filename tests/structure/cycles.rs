//! Circles in a graph: its strongly connected components of more than one node, by Tarjan's algorithm.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// From a file to those that it imports from.
pub type Graph = BTreeMap<PathBuf, BTreeSet<PathBuf>>;

/// Sets of files each of which reaches every other one.
pub fn cycles(graph: &Graph) -> Vec<Vec<PathBuf>> {
    let mut search =
        Search { graph, index: BTreeMap::new(), low: BTreeMap::new(), stack: Vec::new(), found: Vec::new() };
    for node in graph.keys() {
        if !search.index.contains_key(node.as_path()) {
            search.visit(node);
        }
    }
    search.found
}

struct Search<'a> {
    graph: &'a Graph,
    /// In which order nodes were reached.
    index: BTreeMap<&'a Path, usize>,
    /// The earliest node that each reaches.
    low: BTreeMap<&'a Path, usize>,
    stack: Vec<&'a Path>,
    found: Vec<Vec<PathBuf>>,
}

impl<'a> Search<'a> {
    fn visit(&mut self, node: &'a Path) {
        let own = self.index.len();
        self.index.insert(node, own);
        self.low.insert(node, own);
        self.stack.push(node);
        for next in self.graph.get(node).into_iter().flatten() {
            if !self.index.contains_key(next.as_path()) {
                self.visit(next);
            } else if !self.stack.contains(&next.as_path()) {
                continue;
            }
            let low = self.low[node].min(self.low[next.as_path()]);
            self.low.insert(node, low);
        }
        if self.low[node] == own {
            let start = self.stack.iter().position(|it| *it == node).expect("it is on the stack");
            let component = self.stack.split_off(start);
            if component.len() > 1 {
                self.found.push(component.into_iter().map(Path::to_owned).collect());
            }
        }
    }
}

#[test]
fn a_circle_is_found_and_a_diamond_is_none() {
    let graph = |edges: &[(&str, &str)]| -> Graph {
        let mut graph = Graph::new();
        for (from, to) in edges {
            graph.entry(from.into()).or_default().insert(to.into());
        }
        graph
    };
    let diamond = graph(&[("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")]);
    assert_eq!(cycles(&diamond), Vec::<Vec<PathBuf>>::new());
    let circle = graph(&[("a", "b"), ("b", "c"), ("c", "b"), ("c", "d")]);
    assert_eq!(cycles(&circle), [[PathBuf::from("b"), PathBuf::from("c")]]);
}
