//! Connections: how many there are, and what becomes of each. A thread serves one, and answers once: there are few
//! users, and they are near.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use http::{Method, StatusCode, header};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::asked::{Asked, MOST_IN_ADDRESS, path};
use crate::fields::Fields;
use crate::gate::{Gate, Pass, Refused};
use crate::live::Live;
use crate::message::{self, Head, Unread};
use crate::pages::refusal;
use crate::reply::{Origin, Reply};
use crate::route::route;
use crate::site::{Settings, Site};

/// Connections at a time; others wait.
const CONNECTIONS: usize = 64;
/// For somebody who listens to take an event.
const PATIENCE: Duration = Duration::from_secs(10);
/// For the other side to take an answer.
const ANSWER_PATIENCE: Duration = Duration::from_secs(30);
/// For the other side to close what was answered.
const LINGER: Duration = Duration::from_secs(2);
/// For those that are being answered when it is told to end.
const GRACE: Duration = Duration::from_secs(3);

/// Ends a server from another thread.
#[derive(Debug, Clone)]
pub struct Stop(Arc<UnixStream>);

impl Stop {
    /// Lets it finish what it is sending, and end.
    pub fn request(&self) {
        // If it cannot be told, it has ended already.
        let _ = (&*self.0).write(&[0]);
    }
}

/// A cluster at an address.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    told: UnixStream,
    stop: Stop,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    gate: Gate,
    site: Site,
    live: Live,
    connections: AtomicUsize,
}

impl Server {
    /// Takes the address; port 0 is any that is free. Nobody is answered before [`Self::run`].
    ///
    /// # Errors
    /// When the address cannot be had, or the operating system has no random numbers.
    pub fn bind(address: SocketAddr, settings: Settings) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let gate = Gate::new(listener.local_addr()?)?;
        let (told, stop) = UnixStream::pair()?;
        let shared = Shared {
            gate,
            site: Site::new(settings),
            live: Live::default(),
            connections: AtomicUsize::new(0),
        };
        Ok(Self { listener, told, stop: Stop(Arc::new(stop)), shared: Arc::new(shared) })
    }

    /// The address to open in a browser. Whoever knows it may do all that the pages can do.
    #[must_use]
    pub fn address(&self) -> String {
        self.shared.gate.address()
    }

    /// What ends it.
    #[must_use]
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Serves until it is stopped.
    ///
    /// # Errors
    /// When the operating system does not let it.
    pub fn run(self) -> io::Result<()> {
        self.listener.set_nonblocking(true)?;
        let watching = Arc::clone(&self.shared);
        thread::Builder::new().name("watch".into()).spawn(move || watching.live.watch(&watching.site))?;
        while !self.is_told(Some(&self.listener))? {
            match self.listener.accept() {
                Ok((stream, _)) => serve(&self.shared, stream),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // Too many open files, say: they may become fewer.
                Err(_) => thread::sleep(Duration::from_millis(100)),
            }
            // Others wait until one of these has been answered, or has been silent for too long.
            while self.shared.connections.load(Ordering::Acquire) >= CONNECTIONS && !self.is_told(None)? {}
        }
        self.shared.live.end();
        let until = Instant::now() + GRACE;
        while self.shared.connections.load(Ordering::Acquire) > 0 && Instant::now() < until {
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Whether it was told to end, when that is known: as soon as there is somebody to be answered, or after a while
    /// where nobody is to be.
    fn is_told(&self, listener: Option<&TcpListener>) -> io::Result<bool> {
        let told = PollFd::new(&self.told, PollFlags::IN);
        let mut ready = vec![told];
        ready.extend(listener.map(|it| PollFd::new(it, PollFlags::IN)));
        let while_full = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
        let longest = if listener.is_some() { None } else { Some(&while_full) };
        match poll(&mut ready, longest) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(!ready[0].revents().is_empty()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Counts a connection for as long as it lives.
struct Counted(Arc<Shared>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::AcqRel);
    }
}

fn serve(shared: &Arc<Shared>, mut stream: TcpStream) {
    shared.connections.fetch_add(1, Ordering::AcqRel);
    let counted = Counted(Arc::clone(shared));
    // An event is a small packet that nobody shall wait for.
    let prepared = stream
        .set_nonblocking(false)
        .and_then(|()| stream.set_nodelay(true))
        .and_then(|()| stream.set_write_timeout(Some(PATIENCE)));
    if prepared.is_err() {
        return;
    }
    // A thread that cannot be begun leaves the connection closed.
    let _ = thread::Builder::new().name("browser".into()).spawn(move || {
        // Whatever went wrong with a connection, there is nobody left to be told.
        let _ = answer(&counted.0, &mut stream);
        part(&mut stream);
    });
}

/// Until it is known who asks, a page loads nothing from anywhere.
fn nobody() -> Origin {
    Origin { text: "'none'".into(), is_local: true }
}

/// Writes to somebody who has to take all of it within a time.
struct Timed<'a> {
    stream: &'a mut TcpStream,
    until: Instant,
}

impl<'a> Timed<'a> {
    fn new(stream: &'a mut TcpStream) -> Self {
        Self { stream, until: Instant::now() + ANSWER_PATIENCE }
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        self.stream.set_write_timeout(Some(left))?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

fn answer(shared: &Shared, stream: &mut TcpStream) -> io::Result<()> {
    let mut head = match message::head(stream) {
        Ok(head) => head,
        Err(unread) => return send_unread(unread, stream, &nobody()),
    };
    let is_whole = head.method != Method::HEAD;
    let origin = match shared.gate.origin(&head.headers) {
        Ok(origin) => origin,
        Err(refused) => return refused.page().send(&mut Timed::new(stream), &nobody(), is_whole),
    };
    let asked = match asked(shared, &mut head, stream, &origin) {
        Ok(Ok(asked)) => asked,
        Ok(Err(unread)) => return send_unread(unread, stream, &origin),
        Err(reply) => return reply.send(&mut Timed::new(stream), &origin, is_whole),
    };
    if asked.is_live() && is_whole {
        shared.live.tell(&shared.site, stream, &origin);
        return Ok(());
    }
    let reply = route(&shared.site, &asked);
    reply.send(&mut Timed::new(stream), &origin, is_whole)
}

fn send_unread(unread: Unread, stream: &mut TcpStream, origin: &Origin) -> io::Result<()> {
    match unread {
        Unread::Gone(error) => Err(error),
        Unread::Refused { status, what, help } => {
            refusal(status, what, help).send(&mut Timed::new(stream), origin, true)
        }
    }
}

/// Everything about a request that can be refused before anybody looks at what it wants.
fn asked(
    shared: &Shared,
    head: &mut Head,
    stream: &mut TcpStream,
    origin: &Origin,
) -> Result<Result<Asked, Unread>, Reply> {
    if ![Method::GET, Method::HEAD, Method::POST].contains(&head.method) {
        let reply = refusal(StatusCode::METHOD_NOT_ALLOWED, "Pages are read or sent.", "Use GET or POST.");
        return Err(reply.with(header::ALLOW, "GET, HEAD, POST".into()));
    }
    if head.target.len() > MOST_IN_ADDRESS {
        let help = "Narrow it with fewer names.";
        return Err(refusal(StatusCode::URI_TOO_LONG, "That address is too long.", help));
    }
    let (place, query) = head.target.split_once('?').unwrap_or((&head.target, ""));
    let query = Fields::parse(query.as_bytes());
    let session = match shared.gate.pass(&head.method, &head.headers, origin, &query) {
        Ok(Pass::In(session)) => session,
        Ok(Pass::New(reply)) => return Err(reply),
        Err(refused) => return Err(refused.page()),
    };
    let Some(path) = path(place) else {
        let help = "Start from the page of the status.";
        return Err(refusal(StatusCode::BAD_REQUEST, "That is no address of a page.", help));
    };
    let form = match head.method {
        Method::POST => match message::form(head, stream) {
            Ok(form) => Some(Fields::parse(&form)),
            Err(unread) => return Ok(Err(unread)),
        },
        _ => None,
    };
    if form.as_ref().is_some_and(|it| !session.is_form(it.get("form"))) {
        return Err(Refused::Form.page());
    }
    Ok(Ok(Asked { path, query, form, session }))
}

/// Closes a connection so that the answer arrives even where not all of the request was read.
fn part(stream: &mut TcpStream) {
    let _ = stream.shutdown(Shutdown::Write);
    let until = Instant::now() + LINGER;
    let mut rest = [0; 8 << 10];
    while Instant::now() < until {
        let read =
            stream.set_read_timeout(Some(Duration::from_millis(500))).and_then(|()| stream.read(&mut rest));
        if !matches!(read, Ok(1..)) {
            return;
        }
    }
}
