//! Requests to `opm web`, up to where they are authenticated.

use super::target::Target;

pub const TARGET: Target = Target {
    name: "http_request",
    run,
    seeds,
    dictionary: &[
        "GET ",
        "POST /",
        " HTTP/1.1\r\n",
        "\r\n\r\n",
        "Content-Length: 18446744073709551615\r\n",
        "Content-Type: application/x-www-form-urlencoded\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Cookie: session=",
        "Host: [::1]:8640\r\n",
        "%2e%2e%2f",
        "%00",
        "&a=b",
        "?",
    ],
};

/// Reads a request from the bytes that a client sends.
pub fn run(bytes: &[u8]) {
    opkg_web::read_request_bytes(bytes);
}

fn seeds() -> Vec<Vec<u8>> {
    let get = "GET /packages/munge?on=server%3Ahead HTTP/1.1\r\nHost: 127.0.0.1:8640\r\nCookie: session=abc\r\n\r\n";
    let post = "POST /request HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n\
                Content-Length: 28\r\n\r\nform=t&packages=munge&on=all";
    vec![get.into(), post.into()]
}
