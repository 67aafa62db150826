//! The hosts by which a server is reached.

use std::net::SocketAddr;

/// The hosts by which a server is reached, as they stand in the `Host` header.
#[derive(Debug)]
pub(crate) struct Hosts {
    address: SocketAddr,
    names: Vec<String>,
}

impl Hosts {
    /// Makes the hosts of a server that listens on `address` and is reached by these names too.
    pub(crate) fn new(address: SocketAddr, names: &[String]) -> Self {
        let mut names: Vec<String> = names
            .iter()
            .map(|name| with_port(&name.to_ascii_lowercase(), address.port()))
            .collect();
        if address.ip().is_loopback() {
            names.push(format!("localhost:{}", address.port()));
        }
        if address.port() == 80 {
            let bare: Vec<String> = names
                .iter()
                .filter_map(|name| name.strip_suffix(":80").map(str::to_owned))
                .collect();
            names.extend(bare);
        }
        Self { address, names }
    }

    /// Returns the port.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Tells whether the server is reached by this host.
    ///
    /// A server that listens on every address is reached by every address: only a name can be another page's.
    pub(crate) fn contains(&self, host: &str) -> bool {
        if self.names.contains(&host.to_ascii_lowercase()) {
            return true;
        }
        let address = host.parse::<SocketAddr>().or_else(|_| {
            // Browsers leave out the port of the scheme.
            let ip = host.trim_start_matches('[').trim_end_matches(']').parse();
            ip.map(|ip| SocketAddr::new(ip, 80))
        });
        address.is_ok_and(|address| {
            address == self.address
                || self.address.ip().is_unspecified() && address.port() == self.port()
        })
    }
}

/// Adds the port to a name that has none.
fn with_port(name: &str, port: u16) -> String {
    match name.contains(':') {
        true => name.to_owned(),
        false => format!("{name}:{port}"),
    }
}
