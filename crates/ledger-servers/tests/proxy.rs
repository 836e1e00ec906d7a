//! The proxy forwards, and fails as told.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::sleep;
use std::time::Duration;

use ledger_servers::Proxy;

#[test]
fn it_cuts_after_exactly_so_many_bytes() {
    let proxy = Proxy::to(echo());
    let [mut one, mut two] = [connect(&proxy), connect(&proxy)];
    assert_eq!(asked(&mut one, 100), 100);
    assert_eq!(asked(&mut two, 100), 100);
    proxy.cut_answers_after(Some(150));
    assert_eq!(asked(&mut one, 100), 100);
    assert_eq!(asked(&mut two, 100), 50);
    assert_eq!(asked(&mut one, 100), 0, "every connection is closed");
    assert_eq!(proxy.answered(), 350);
    assert_eq!(asked(&mut connect(&proxy), 100_000), 100_000, "only once");
}

#[test]
fn it_cuts_before_an_answer_arrives() {
    let proxy = Proxy::to(echo());
    let mut client = connect(&proxy);
    assert_eq!(asked(&mut client, 1), 1);
    proxy.cut_answers_after(Some(0));
    proxy.cut_answers_after(None);
    assert_eq!(asked(&mut client, 1), 1);
    proxy.cut_answers_after(Some(0));
    assert_eq!(asked(&mut client, 1), 0);
}

#[test]
fn it_cuts_now() {
    let proxy = Proxy::to(echo());
    let mut client = connect(&proxy);
    assert_eq!(asked(&mut client, 1), 1);
    proxy.cut_now();
    assert_eq!(asked(&mut client, 1), 0);
    assert_eq!(asked(&mut connect(&proxy), 1), 1);
}

#[test]
fn it_stalls() {
    let proxy = Proxy::to(echo());
    let mut client = connect(&proxy);
    proxy.swallow(true);
    client.write_all(b"lost").unwrap();
    client.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let silence = client.read(&mut [0; 10]).unwrap_err();
    assert_eq!(silence.kind(), ErrorKind::WouldBlock);
    proxy.swallow(false);
    assert_eq!(asked(&mut client, 1), 1);
    assert_eq!(proxy.answered(), 1);
}

#[test]
fn it_refuses() {
    let proxy = Proxy::to(echo());
    let mut early = connect(&proxy);
    assert_eq!(asked(&mut early, 1), 1);
    proxy.refuse(true);
    assert_eq!(asked(&mut connect(&proxy), 1), 0);
    assert_eq!(asked(&mut early, 1), 1, "an open connection stays");
    proxy.refuse(false);
    assert_eq!(asked(&mut connect(&proxy), 1), 1);
}

#[test]
fn it_ends_although_a_client_does_not_read() {
    let proxy = Proxy::to(echo());
    let mut client = connect(&proxy);
    let mut writer = client.try_clone().unwrap();
    let writer = std::thread::spawn(move || while writer.write_all(&[0; 100_000]).is_ok() {});
    sleep(Duration::from_millis(200));
    let port = proxy.port();
    drop(proxy);
    writer.join().unwrap();
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    while client.read(&mut [0; 100_000]).is_ok_and(|count| count > 0) {}
}

fn connect(proxy: &Proxy) -> TcpStream {
    TcpStream::connect(("127.0.0.1", proxy.port())).unwrap()
}

/// How many bytes of an answer of this length arrive before the connection ends.
fn asked(client: &mut TcpStream, length: u64) -> u64 {
    let mut writer = client.try_clone().unwrap();
    std::thread::scope(|scope| {
        // The connection may be closed already.
        scope.spawn(move || (0..length).try_for_each(|_| writer.write_all(b"x")));
        let mut byte = [0];
        (0..length).take_while(|_| client.read(&mut byte).is_ok_and(|count| count == 1)).fold(0, |count, _| count + 1)
    })
}

/// The port of a server that answers what it was sent.
fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || std::io::copy(&mut &stream, &mut &stream));
        }
    });
    port
}
