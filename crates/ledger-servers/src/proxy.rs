//! A network that can be told to fail.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::ports;

/// A TCP proxy before a server on 127.0.0.1. Its connections end when it is dropped.
pub struct Proxy {
    port: u16,
    to: u16,
    wire: Arc<Wire>,
    accepting: Option<JoinHandle<()>>,
}

impl Proxy {
    /// A proxy before the server on this port.
    pub fn to(port: u16) -> Self {
        let listener = ports::listener();
        let own = listener.local_addr().expect("a listener has an address").port();
        let wire = Arc::new(Wire { state: Mutex::new(State { to: port, ..State::default() }) });
        let accepting = std::thread::spawn({
            let wire = Arc::clone(&wire);
            move || wire.accept(&listener)
        });
        Self { port: own, to: port, wire, accepting: Some(accepting) }
    }

    /// The port where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL of the server behind it, through it.
    pub fn through(&self, url: &str) -> String {
        url.replacen(&format!(":{}", self.to), &format!(":{}", self.port), 1)
    }

    /// Once: forwards this many more bytes of the server's answers, over all connections, and then closes every
    /// connection. With 0 it closes them when the next answer comes, and nothing of that arrives. None: no more.
    pub fn cut_answers_after(&self, bytes: Option<u64>) {
        self.wire.state().cut_after = bytes;
    }

    /// Closes every connection.
    pub fn cut_now(&self) {
        let connections = std::mem::take(&mut self.wire.state().connections);
        close(connections);
    }

    /// Leads new connections to the server on this port.
    pub fn lead_to(&self, port: u16) {
        self.wire.state().to = port;
    }

    /// While true, answers of the server are thrown away, and no connection closes, nor does the server hear that a client
    /// did: a network that stalls.
    pub fn swallow(&self, on: bool) {
        self.wire.state().swallow = on;
    }

    /// While true, new connections are closed at once.
    pub fn refuse(&self, on: bool) {
        self.wire.state().refuse = on;
    }

    /// How many connections it has taken.
    pub fn accepted(&self) -> u64 {
        self.wire.state().accepted
    }

    /// How many bytes of the server's answers it has forwarded.
    pub fn answered(&self) -> u64 {
        self.wire.state().answered
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.wire.state().ended = true;
        self.cut_now();
        // It sees the end only when somebody comes.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

#[derive(Default)]
struct Wire {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The server's port.
    to: u16,
    /// Client and server of each open connection.
    connections: HashMap<u64, [TcpStream; 2]>,
    accepted: u64,
    answered: u64,
    cut_after: Option<u64>,
    swallow: bool,
    refuse: bool,
    ended: bool,
}

/// What happens to an answer.
enum Fate {
    Forward,
    Swallow,
    /// Forward so many bytes and close these connections.
    Cut(usize, HashMap<u64, [TcpStream; 2]>),
    /// The connection was closed meanwhile.
    Lost,
}

impl Wire {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accept(&self, listener: &TcpListener) {
        std::thread::scope(|scope| {
            for client in listener.incoming() {
                let State { to, refuse, ended, .. } = *self.state();
                match client {
                    _ if ended => break,
                    Ok(client) if !refuse => drop(scope.spawn(move || self.serve(client, to))),
                    Ok(_) | Err(_) => {}
                }
            }
        });
    }

    /// An error on either side ends the connection, as the other side will see.
    fn serve(&self, client: TcpStream, to: u16) -> Option<()> {
        let server = TcpStream::connect((Ipv4Addr::LOCALHOST, to)).ok()?;
        client.set_nodelay(true).ok()?;
        server.set_nodelay(true).ok()?;
        let id = self.register([client.try_clone().ok()?, server.try_clone().ok()?])?;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _ = std::io::copy(&mut &client, &mut &server);
                while self.is_stalled(id) {
                    std::thread::sleep(Duration::from_millis(5));
                }
                let _ = server.shutdown(Shutdown::Write);
            });
            let _ = self.answer(id, &server, &client);
            let _ = client.shutdown(Shutdown::Write);
        });
        self.state().connections.remove(&id);
        Some(())
    }

    /// Whether the server must not hear yet that the client is gone.
    fn is_stalled(&self, id: u64) -> bool {
        let state = self.state();
        state.swallow && !state.ended && state.connections.contains_key(&id)
    }

    fn register(&self, connection: [TcpStream; 2]) -> Option<u64> {
        let mut state = self.state();
        state.accepted += 1;
        let id = state.accepted;
        (!state.ended).then(|| state.connections.insert(id, connection))?;
        Some(id)
    }

    fn answer(&self, id: u64, mut server: &TcpStream, mut client: &TcpStream) -> std::io::Result<()> {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = server.read(&mut buffer)?;
            if count == 0 {
                return Ok(());
            }
            // Written without the lock: a client that does not read must not hold up the others.
            let fate = self.state().fate(id, count);
            match fate {
                Fate::Forward => client.write_all(&buffer[..count])?,
                Fate::Swallow => {}
                Fate::Cut(count, connections) => {
                    let _ = client.write_all(&buffer[..count]);
                    close(connections);
                    return Ok(());
                }
                Fate::Lost => return Ok(()),
            }
        }
    }
}

impl State {
    fn fate(&mut self, id: u64, count: usize) -> Fate {
        if !self.connections.contains_key(&id) {
            return Fate::Lost;
        }
        if self.swallow {
            return Fate::Swallow;
        }
        let left = self.cut_after.map(|left| usize::try_from(left).unwrap_or(usize::MAX));
        if let Some(left) = left.filter(|left| *left <= count) {
            self.cut_after = None;
            self.answered += left as u64;
            return Fate::Cut(left, std::mem::take(&mut self.connections));
        }
        self.cut_after = self.cut_after.map(|left| left - count as u64);
        self.answered += count as u64;
        Fate::Forward
    }
}

fn close(connections: HashMap<u64, [TcpStream; 2]>) {
    for side in connections.into_values().flatten() {
        let _ = side.shutdown(Shutdown::Both);
    }
}
