//! Encrypted connections, as another implementation of TLS makes them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use opkg_web::{Server, TlsError, TlsSettings};

use crate::test_server::{Response, settings};

/// Makes a certificate for the address 127.0.0.1 that vouches for itself; the answer is whether there is a program for that.
fn make_certificate(directory: &Path) -> bool {
    let arguments = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out \
                     certificate.pem -days 2 -subj /CN=opm -addext subjectAltName=IP:127.0.0.1";
    let made = Command::new("openssl").args(arguments.split(' ')).current_dir(directory).output();
    match made {
        Ok(made) => {
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
            true
        }
        Err(_) => {
            let required = std::env::var_os("OPKG_REQUIRE_TOOLS").is_some();
            assert!(!required, "openssl is not installed, and $OPKG_REQUIRE_TOOLS is set");
            eprintln!("skipped: not installed: openssl");
            false
        }
    }
}

/// Sends a request over a connection that openssl has checked and encrypts.
fn ask(directory: &Path, host: &str, request: &str) -> String {
    let arguments =
        ["s_client", "-quiet", "-verify_return_error", "-CAfile", "certificate.pem", "-connect", host];
    let mut client = Command::new("openssl")
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    client.stdin.as_mut().unwrap().write_all(request.as_bytes()).unwrap();
    String::from_utf8(client.wait_with_output().unwrap().stdout).unwrap()
}

#[test]
fn what_is_sent_is_encrypted() {
    let directory = tempfile::tempdir().unwrap();
    if !make_certificate(directory.path()) {
        return;
    }
    let file = |name: &str| directory.path().join(name);
    let mut settings = settings(directory.path(), "");
    settings.tls = Some(TlsSettings::load(&file("certificate.pem"), &file("key.pem")).unwrap());
    let server = Server::bind(&"127.0.0.1:0".parse().unwrap(), None, settings).unwrap();
    let url = server.login_url();
    let (host, path) = url.strip_prefix("https://").unwrap().split_once('/').unwrap();
    let stop = server.stop_handle();
    let running = std::thread::spawn(move || server.run().unwrap());

    let login = ask(directory.path(), host, &format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
    let login = Response::parse(&login);
    assert_eq!(login.status, 303, "{login:?}");
    let (cookie, attributes) = login.header("set-cookie").unwrap().split_once(';').unwrap();
    assert!(attributes.ends_with("; HttpOnly; SameSite=Strict; Secure"), "{attributes}");
    let base = login.header("location").unwrap();
    let get = format!("GET {base} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n\r\n");
    let page = Response::parse(&ask(directory.path(), host, &get));
    assert_eq!(page.status, 200);
    assert!(page.body.trim_end().ends_with("</html>"), "{}", page.body);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains(&format!("script-src https://{host}/script.js;")), "{policy}");

    // Whoever does not encrypt is told nothing.
    let mut plain = TcpStream::connect(host).unwrap();
    plain.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    plain.write_all(get.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!String::from_utf8_lossy(&answer).contains("HTTP"), "{answer:?}");
    stop.stop();
    running.join().unwrap();

    let swapped = TlsSettings::load(&file("key.pem"), &file("certificate.pem"));
    assert!(matches!(swapped, Err(TlsError::File { .. } | TlsError::Pair { .. })), "{swapped:?}");
    let error = TlsSettings::load(&file("none.pem"), &file("key.pem")).unwrap_err().to_string();
    assert!(error.contains("none.pem cannot be used"), "{error}");
}
