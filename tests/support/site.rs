//! The embedded server behind TLS: what stands in front of it ends the encryption, as in most installations.

use super::tls::{Authority, acceptor};
use scimproof::server::{Options, Server};
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use url::Url;

/// A server, its certificates, and a switch.
pub struct Site {
    runtime: Runtime,
    pub server: Server,
    pub authority: Authority,
    open: watch::Sender<bool>,
}

impl Site {
    /// Starts it; with `certified`, only clients with a certificate of its authority are let in.
    pub fn start(options: Options, certified: bool) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let authority = Authority::new();
        let acceptor = acceptor(authority.issue("localhost", false), certified.then_some(&authority));
        let (open, opened) = watch::channel(true);
        let server = runtime.block_on(async {
            let front = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            let port = front.local_addr().unwrap().port();
            let options = Options { public_origin: Some(format!("https://localhost:{port}")), ..options };
            let server = Server::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), options).await.unwrap();
            let back = server.address();
            tokio::spawn(async move {
                while let Ok((stream, _)) = front.accept().await {
                    let (acceptor, mut opened) = (acceptor.clone(), opened.clone());
                    tokio::spawn(async move {
                        if !*opened.borrow() {
                            return;
                        }
                        let Ok(mut outside) = acceptor.accept(stream).await else { return };
                        let Ok(mut inside) = TcpStream::connect(back).await else { return };
                        tokio::select! {
                            _ = tokio::io::copy_bidirectional(&mut outside, &mut inside) => {}
                            _ = opened.wait_for(|open| !*open) => {}
                        }
                    });
                }
            });
            server
        });
        Self { runtime, server, authority, open }
    }

    /// Ends every connection and makes no new one, as when a client certificate has run out.
    pub fn close(&self) {
        let _ = self.open.send(false);
    }

    /// Certificate and key of a client in one file.
    pub fn client_pem(&self) -> String {
        let (cert, key) = self.authority.issue("client.example.com", false);
        format!("{cert}{key}")
    }

    /// Follows an address of the authorization endpoint as a browser does, down to the loopback address; gives that address.
    pub fn browse(&self, address: &str, decision: &str) -> Url {
        let page = self.get(address);
        assert_eq!(page.status(), 200, "{page:?}");
        let page = self.runtime.block_on(page.text()).unwrap();
        let link = page.split("href=\"").skip(1).find(|l| l.contains(&format!("decision={decision}"))).expect("a link");
        let link = link.split('"').next().unwrap().replace("&amp;", "&");
        let back = self.get(Url::parse(address).unwrap().join(&link).unwrap().as_str());
        assert_eq!(back.status(), 302, "{back:?}");
        Url::parse(back.headers()["location"].to_str().unwrap()).unwrap()
    }

    /// One request of a browser that trusts the authority and follows nothing by itself.
    pub fn get(&self, address: &str) -> reqwest::Response {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let root = reqwest::Certificate::from_pem(self.authority.pem().as_bytes()).unwrap();
        let client = reqwest::Client::builder()
            .tls_certs_only([root])
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        self.runtime.block_on(client.get(address).send()).unwrap()
    }
}
