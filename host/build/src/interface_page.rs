//! The interface of plugins as a page for people.

use std::fmt::Write;
use std::path::Path;

use wit_bindgen_core::wit_parser::{
    Docs, Function, Interface, Resolve, Type, TypeDef, TypeDefKind, TypeId, TypeOwner,
};

use crate::error::BuildError;

/// What stands above the interfaces.
const INTRODUCTION: &str = "\
# The interface of plugins

Made of `wit/` by `cargo run --package opkgc-cli --example reference`. [Writing a distribution plugin](plugins.md) says what is done
with it, [hooks](hooks.md) what of it is for hooks, and [a page of decisions](decisions/plugin-interface.md) why it is as it is.
";

/// Markdown of all interfaces in one document of WIT, sorted by their names: what each type holds and each function takes, with what the
/// document says of them.
///
/// # Errors
/// When the document is none.
pub fn interface_page(wit: &str) -> Result<String, BuildError> {
    let mut resolve = Resolve::default();
    let package = resolve
        .push_str(Path::new("plugin.wit"), wit)
        .map_err(|problem| BuildError::Bindings { problem: format!("{problem:#}") })?;
    let package = &resolve.packages[package];
    let mut interfaces: Vec<(&String, &Interface)> =
        package.interfaces.iter().map(|(name, id)| (name, &resolve.interfaces[*id])).collect();
    interfaces.sort_by_key(|(name, _)| *name);
    let mut page = Page { resolve: &resolve, text: INTRODUCTION.to_owned() };
    for (name, interface) in interfaces {
        page.interface(name, interface);
    }
    Ok(page.text)
}

struct Page<'a> {
    resolve: &'a Resolve,
    text: String,
}

impl Page<'_> {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // A string takes whatever is written.
        let _ = writeln!(self.text, "{line}");
    }

    fn docs(&mut self, docs: &Docs) {
        if let Some(contents) = &docs.contents {
            self.line(format_args!("\n{}", contents.trim()));
        }
    }

    fn interface(&mut self, name: &str, interface: &Interface) {
        self.line(format_args!("\n## {name}"));
        self.docs(&interface.docs);
        for function in interface.functions.values() {
            self.function(function);
        }
        for (name, id) in &interface.types {
            let found = &self.resolve.types[*id];
            // What is only used here is described where it is from.
            if !matches!(found.kind, TypeDefKind::Type(Type::Id(_))) {
                self.type_definition(name, found);
            }
        }
    }

    fn function(&mut self, function: &Function) {
        let parameters = function.params.iter().map(|it| format!("{}: {}", it.name, self.type_name(&it.ty)));
        let parameters = parameters.collect::<Vec<_>>().join(", ");
        let result = function.result.as_ref().map(|it| format!(" → {}", self.type_name(it)));
        self.line(format_args!("\n### {}({parameters}){}", function.name, result.unwrap_or_default()));
        self.docs(&function.docs);
    }

    fn type_definition(&mut self, name: &str, found: &TypeDef) {
        self.line(format_args!("\n### {name}"));
        self.docs(&found.docs);
        match &found.kind {
            TypeDefKind::Record(record) => {
                let fields = record.fields.iter().map(|it| (&it.name, self.type_name(&it.ty), &it.docs));
                self.table(["field", "type"], fields.collect());
            }
            TypeDefKind::Variant(variant) => {
                let holds = |ty: &Option<Type>| ty.as_ref().map(|it| self.type_name(it)).unwrap_or_default();
                let cases = variant.cases.iter().map(|it| (&it.name, holds(&it.ty), &it.docs));
                self.table(["case", "holds"], cases.collect());
            }
            TypeDefKind::Enum(cases) => {
                let cases = cases.cases.iter().map(|it| (&it.name, String::new(), &it.docs));
                self.table(["case", ""], cases.collect());
            }
            TypeDefKind::Flags(flags) => {
                let flags = flags.flags.iter().map(|it| (&it.name, String::new(), &it.docs));
                self.table(["flag", ""], flags.collect());
            }
            _ => {
                let is = self.kind_name(found);
                self.line(format_args!("\n{is}"));
            }
        }
    }

    fn table(&mut self, [first, second]: [&str; 2], rows: Vec<(&String, String, &Docs)>) {
        self.line(format_args!("\n| {first} | {second} | |\n|---|---|---|"));
        for (name, holds, docs) in rows {
            let said = docs.contents.as_deref().unwrap_or_default();
            let said = said.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
            self.line(format_args!("| `{name}` | {holds} | {said} |"));
        }
    }

    /// As it is written, with a link to what is described on the page.
    fn type_name(&self, ty: &Type) -> String {
        match ty {
            Type::Id(id) => self.named(*id),
            Type::Bool => "bool".to_owned(),
            Type::String => "string".to_owned(),
            Type::U8 => "u8".to_owned(),
            Type::U16 => "u16".to_owned(),
            Type::U32 => "u32".to_owned(),
            Type::U64 => "u64".to_owned(),
            Type::S16 => "s16".to_owned(),
            Type::S32 => "s32".to_owned(),
            Type::S64 => "s64".to_owned(),
            other => format!("{other:?}").to_lowercase(),
        }
    }

    fn named(&self, id: TypeId) -> String {
        let found = &self.resolve.types[id];
        match (&found.name, &found.kind) {
            // Used from another interface.
            (_, TypeDefKind::Type(Type::Id(original))) => self.named(*original),
            (Some(name), _) if matches!(found.owner, TypeOwner::Interface(_)) => format!("[{name}](#{name})"),
            _ => self.kind_name(found),
        }
    }

    fn kind_name(&self, found: &TypeDef) -> String {
        match &found.kind {
            TypeDefKind::List(of) => format!("list of {}", self.type_name(of)),
            TypeDefKind::Option(of) => format!("option of {}", self.type_name(of)),
            TypeDefKind::Tuple(tuple) => {
                let each = tuple.types.iter().map(|it| self.type_name(it));
                format!("({})", each.collect::<Vec<_>>().join(", "))
            }
            TypeDefKind::Result(result) => {
                let part = |ty: &Option<Type>| {
                    ty.as_ref().map_or_else(|| "nothing".to_owned(), |it| self.type_name(it))
                };
                format!("result of {}, or {}", part(&result.ok), part(&result.err))
            }
            TypeDefKind::Type(of) => self.type_name(of),
            other => other.as_str().to_owned(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_described_where_it_is_from() {
        let page = interface_page(
            "package opkg:plugin@1.0.0;
             /// What there is.
             interface b {
               type node = u32;
               /// A place.
               record place {
                 /// One line, a | b.
                 name: string,
                 nodes: list<node>,
               }
               flags marks { /// Old.
                 old, new }
             }
             interface a {
               use b.{place};
               variant end { done, failed(option<place>) }
               /// Does it.
               f: func(at: place, how: tuple<u8, bool>) -> result<_, string>;
             }",
        );
        insta::assert_snapshot!(page.unwrap().strip_prefix(INTRODUCTION).unwrap());
    }

    #[test]
    fn what_is_no_interface_is_refused() {
        assert!(matches!(interface_page("package"), Err(BuildError::Bindings { .. })));
    }
}
