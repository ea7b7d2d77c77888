//! What is asked of a server.

/// What a server shall do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Give what is there.
    Get,
    /// Say what is there, without giving it.
    Head,
    /// Take something, and say what became of it.
    Post,
    /// Keep something at this address.
    Put,
}

impl Method {
    /// Whether it changes nothing, so that it may be asked somewhere else as well.
    pub(crate) fn is_safe(self) -> bool {
        matches!(self, Self::Get | Self::Head)
    }

    pub(crate) fn to_http(self) -> ureq::http::Method {
        match self {
            Self::Get => ureq::http::Method::GET,
            Self::Head => ureq::http::Method::HEAD,
            Self::Post => ureq::http::Method::POST,
            Self::Put => ureq::http::Method::PUT,
        }
    }
}

/// What is asked of a server.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// What it shall do.
    pub method: Method,
    /// Where.
    pub url: &'a str,
    /// Besides the usual ones. Those that tell who asks are for this server alone.
    pub headers: &'a [(&'a str, &'a str)],
    /// What it gets, of [`Method::Post`] and [`Method::Put`].
    pub body: &'a [u8],
}
