//! What a browser sends as `name=value&name=value`: the query of an address, or a form.

/// Names and values, in the order in which they were sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads them. Everything is taken for something: what is no UTF-8 has replacement characters.
    #[must_use]
    pub fn parse(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    /// The first value of a name; empty where there is none.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or_default()
    }

    /// All values of a name.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |it| it.0 == name).map(|it| it.1.as_str())
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// An address with a query; the values may hold anything.
#[must_use]
pub fn address(path: &str, query: &[(&str, &str)]) -> String {
    if query.is_empty() {
        return path.to_owned();
    }
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    format!("{path}?{query}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_are_found_by_name() {
        let fields = Fields::parse(b"a=1&b=x+y%26&a=2&c&=d&%ff=e");
        assert_eq!(fields.get("a"), "1");
        assert_eq!(fields.all("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(fields.get("b"), "x y&");
        assert_eq!((fields.get("c"), fields.get("z")), ("", ""));
    }

    proptest! {
        #[test]
        fn what_is_written_into_an_address_is_read_from_it(name in ".*", value in ".*") {
            let address = address("/x", &[(&name, &value)]);
            let (_, query) = address.split_once('?').unwrap_or_default();
            let fields = Fields::parse(query.as_bytes());
            prop_assert_eq!(fields.0, [(name, value)]);
        }
    }
}
