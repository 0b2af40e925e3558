//! The package on real machines: two nodes, two web servers and a client, each a Debian 12 that systemd-nspawn boots.
//!
//! `./dev test-install` builds the packages and the file tree, and runs this in namespaces of its own; it needs root.
//! The machines are provisioned by the scripts of `packaging/vagrant`, so what Vagrant does is tested here too.
//!
//! [`machine`] has the machines, [`network`] what joins them, [`client`] the load and what it saw, [`table`] the rows;
//! [`bad_day`] is the story; [`package`] the package alone, [`traces`] what it may leave: nothing.

mod bad_day;
mod client;
mod lab;
mod machine;
mod network;
mod package;
mod table;
mod traces;
