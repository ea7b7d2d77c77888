//! Parameters in the encoding `name=value&name=value`: the query of a URL, or a submitted form.

/// Names and values in the order in which they were sent; a name may occur repeatedly.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Never fails: invalid UTF-8 becomes replacement characters.
    #[must_use]
    pub fn parse(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    /// The first value of a name; empty when there is none.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.get_all(name).next().unwrap_or_default()
    }

    pub fn get_all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// A path with a query; the values are percent-encoded.
#[must_use]
pub fn build_url(path: &str, query: &[(&str, &str)]) -> String {
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
        let fields = Params::parse(b"a=1&b=x+y%26&a=2&c&=d&%ff=e");
        assert_eq!(fields.get("a"), "1");
        assert_eq!(fields.get_all("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(fields.get("b"), "x y&");
        assert_eq!((fields.get("c"), fields.get("z")), ("", ""));
    }

    proptest! {
        #[test]
        fn what_is_written_into_an_address_is_read_from_it(name in ".*", value in ".*") {
            let address = build_url("/x", &[(&name, &value)]);
            let (_, query) = address.split_once('?').unwrap_or_default();
            let fields = Params::parse(query.as_bytes());
            prop_assert_eq!(fields.0, [(name, value)]);
        }
    }
}
