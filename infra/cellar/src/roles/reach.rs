//! By which address others reach a process that listens on all addresses of its machine: the one
//! that it has on the way to the metadata service, which all others reach, too.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::{UdpSocket, lookup_host};

/// The address of this machine on the way to the first of these peers ("host:port") that there is
/// a way to. One that leaves the machine goes before loopback. Nothing is sent.
pub(super) async fn towards(peers: &[String], listen: IpAddr) -> Option<IpAddr> {
    let mut loopback = None;
    for peer in peers {
        let Ok(addresses) = lookup_host(peer).await else { continue };
        for address in addresses.filter(|address| takes(listen, *address)) {
            match own(address).await {
                Some(own) if own.is_loopback() => loopback = loopback.or(Some(own)),
                Some(own) => return Some(own),
                None => {}
            }
        }
    }
    loopback
}

/// Whether a listener on all addresses of this kind is reached the same way.
fn takes(listen: IpAddr, peer: SocketAddr) -> bool {
    listen.is_ipv6() || peer.is_ipv4()
}

/// What the kernel would send from.
async fn own(peer: SocketAddr) -> Option<IpAddr> {
    let any: IpAddr =
        if peer.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).await.ok()?;
    socket.connect(peer).await.ok()?;
    let own = socket.local_addr().ok()?.ip();
    (!own.is_unspecified()).then_some(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_address_is_the_one_on_the_way_to_a_peer() {
        let any = Ipv4Addr::UNSPECIFIED.into();
        let peers = |peers: &[&str]| peers.iter().map(ToString::to_string).collect::<Vec<_>>();
        let local = towards(&peers(&["nobody.invalid:1", "127.0.0.1:7100"]), any).await;
        assert_eq!(local, Some(Ipv4Addr::LOCALHOST.into()));
        assert_eq!(towards(&peers(&["nobody.invalid:1"]), any).await, None);
        assert_eq!(towards(&peers(&["[::1]:7100"]), any).await, None, "it listens on v4 only");
    }
}
