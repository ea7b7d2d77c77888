//! The files of a crate, and which of them use what others define. A name that a file only passes on (`pub use`) belongs
//! to the file that defines it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{Attribute, File, Item, ItemMod, ItemUse, UseTree, Visibility};

use crate::cycles::Graph;

/// The path of a module: its names below the root of the crate.
type ModulePath = Vec<String>;

/// Which files of a crate import from which others; `source` is its directory `src`.
pub fn imports(source: &Path) -> Graph {
    let mut modules = Modules::default();
    for name in ["lib.rs", "main.rs"] {
        let file = source.join(name);
        if file.is_file() && modules.0.is_empty() {
            modules.read(&file, source, Vec::new());
        }
    }
    let mut graph = Graph::new();
    for module in modules.0.values() {
        let edges = graph.entry(module.file.clone()).or_default();
        for path in &module.uses {
            if let Some(file) = modules.defining_file(path)
                && file != module.file
            {
                edges.insert(file);
            }
        }
    }
    graph
}

#[derive(Debug)]
struct Module {
    file: PathBuf,
    /// Absolute paths within the crate that stand in it.
    uses: BTreeSet<ModulePath>,
    /// What it passes on: the name here, and the absolute path of what is meant. `*` for everything in a module.
    exports: Vec<(String, ModulePath)>,
}

/// All modules of a crate.
#[derive(Debug, Default)]
struct Modules(BTreeMap<ModulePath, Module>);

impl Modules {
    /// Reads a file and those that it declares; `directory` is where its own modules lie.
    fn read(&mut self, file: &Path, directory: &Path, path: ModulePath) {
        let syntax = syn::parse_file(&fs::read_to_string(file).unwrap()).unwrap();
        let mut children = Vec::new();
        for item in &syntax.items {
            let Item::Mod(ItemMod { ident, content: None, attrs, .. }) = item else { continue };
            if is_for_tests(attrs) {
                continue;
            }
            children.push(ident.to_string());
        }
        let module = Module { file: file.to_owned(), ..collect(&syntax, &path, &children) };
        self.0.insert(path.clone(), module);
        for name in children {
            let candidates = [directory.join(format!("{name}.rs")), directory.join(&name).join("mod.rs")];
            let child = candidates.iter().find(|it| it.is_file());
            let child =
                child.unwrap_or_else(|| panic!("no file for the module {name} of {}", file.display()));
            let path = [path.clone(), vec![name.clone()]].concat();
            self.read(child, &directory.join(name), path);
        }
    }

    /// The file that defines what a path means.
    fn defining_file(&self, path: &[String]) -> Option<PathBuf> {
        let mut path = path.to_vec();
        // Each step follows one name that is passed on; a longer chain would be a circle of its own.
        for _ in 0..16 {
            let length = (0..=path.len()).rev().find(|length| self.0.contains_key(&path[..*length]))?;
            let module = &self.0[&path[..length]];
            let Some(name) = path.get(length) else { return Some(module.file.clone()) };
            let exact = module.exports.iter().find(|(exported, _)| exported == name);
            let Some((_, target)) = exact else { return Some(module.file.clone()) };
            path = [target.as_slice(), &path[length + 1..]].concat();
        }
        None
    }
}

fn collect(syntax: &File, path: &[String], children: &[String]) -> Module {
    let mut collector = Collector {
        path,
        children,
        module: Module { file: PathBuf::new(), uses: BTreeSet::new(), exports: Vec::new() },
        depth: 0,
    };
    collector.visit_file(syntax);
    collector.module
}

/// Collects the paths of one file.
struct Collector<'a> {
    path: &'a [String],
    children: &'a [String],
    module: Module,
    /// How many inline modules deep.
    depth: usize,
}

impl Collector<'_> {
    /// The absolute path within the crate; nothing for foreign and local names.
    fn resolve(&self, names: &[String]) -> Option<ModulePath> {
        let first = names.first()?;
        match first.as_str() {
            "crate" => Some(names[1..].to_vec()),
            "self" if self.depth == 0 => Some([self.path, &names[1..]].concat()),
            "super" => {
                let ups = names.iter().take_while(|name| *name == "super").count();
                let up = ups.checked_sub(self.depth)?;
                let base = self.path.len().checked_sub(up)?;
                Some([&self.path[..base], &names[ups..]].concat())
            }
            name if self.depth == 0 && self.children.iter().any(|child| child == name) => {
                Some([self.path, names].concat())
            }
            _ => None,
        }
    }

    fn add_use(&mut self, tree: &UseTree, prefix: &[String], is_export: bool) {
        let joined = |name: String| [prefix, &[name]].concat();
        match tree {
            UseTree::Path(path) => self.add_use(&path.tree, &joined(path.ident.to_string()), is_export),
            UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.add_use(tree, prefix, is_export))
            }
            UseTree::Glob(_) => self.add_path(prefix, None, is_export),
            UseTree::Name(name) if name.ident == "self" => {
                self.add_path(prefix, prefix.last().cloned(), is_export)
            }
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                self.add_path(&joined(name.clone()), Some(name), is_export);
            }
            UseTree::Rename(rename) => {
                let path = joined(rename.ident.to_string());
                self.add_path(&path, Some(rename.rename.to_string()), is_export);
            }
        }
    }

    /// A name that is passed on is no use of its own: only who takes it from here uses it.
    fn add_path(&mut self, names: &[String], exported: Option<String>, is_export: bool) {
        let Some(path) = self.resolve(names) else { return };
        match exported {
            Some(name) if is_export && self.depth == 0 => self.module.exports.push((name, path)),
            _ => {
                self.module.uses.insert(path);
            }
        }
    }
}

impl<'ast> Visit<'ast> for Collector<'_> {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if is_for_tests(&item.attrs) || item.content.is_none() {
            return;
        }
        self.depth += 1;
        visit::visit_item_mod(self, item);
        self.depth -= 1;
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if is_for_tests(&item.attrs) {
            return;
        }
        let is_export = !matches!(item.vis, Visibility::Inherited);
        self.add_use(&item.tree, &[], is_export);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if names.len() > 1 {
            self.add_path(&names, None, false);
        }
        visit::visit_path(self, path);
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|condition| condition == "test")
    })
}
