//! Classic BPF programs that pick out requests for new TCP connections (SYN without ACK) to one address.

use std::net::IpAddr;

use libc::{BPF_ABS, BPF_ALU, BPF_AND, BPF_B, BPF_H, BPF_IND, BPF_JEQ, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_LDX};
use libc::{BPF_MSH, BPF_RET, BPF_W};
use socket2::SockFilter;

/// Everything of a packet.
const ALL: u32 = u32::MAX;
/// Offset of the TCP flags in a TCP header.
const FLAGS: u32 = 13;
const SYN: u32 = 0x02;
const ACK: u32 = 0x10;
/// SKF_NET_OFF (linux/filter.h): offsets from here on count from the IP header, wherever the packet begins.
const FROM_IP_HEADER: u32 = (-0x10_0000_i32).cast_unsigned();

/// For a packet socket without link headers: such requests, and nothing else.
pub fn only_requests_to(address: IpAddr) -> Vec<SockFilter> {
    let mut program = Program::default();
    program.is_tcp_to(address, 0);
    match address {
        // Four times the header length of the first byte.
        IpAddr::V4(_) => program.load(BPF_LDX | BPF_MSH | BPF_B, 0),
        IpAddr::V6(_) => program.load(BPF_LDX | BPF_W, 40),
    }
    program.load(BPF_LD | BPF_B | BPF_IND, FLAGS);
    program.has_only_syn();
    program.finish(ALL, 0)
}

/// For a listening socket, which sees packets from their TCP header on: everything but such requests.
pub fn no_requests_to(address: IpAddr) -> Vec<SockFilter> {
    let mut program = Program::default();
    program.is_tcp_to(address, FROM_IP_HEADER);
    program.load(BPF_LD | BPF_B | BPF_ABS, FLAGS);
    program.has_only_syn();
    program.finish(0, ALL)
}

/// Conditions one after the other; the first that does not hold ends the program.
#[derive(Default)]
struct Program(Vec<Step>);

enum Step {
    Do(u32, u32),
    /// Goes on if the comparison comes to this.
    Check(u32, u32, bool),
}

impl Program {
    fn load(&mut self, code: u32, k: u32) {
        self.0.push(Step::Do(code, k));
    }

    fn equals(&mut self, value: u32) {
        self.0.push(Step::Check(BPF_JEQ, value, true));
    }

    fn is_tcp_to(&mut self, address: IpAddr, header: u32) {
        let at = |offset: u32| header.wrapping_add(offset);
        self.load(BPF_LD | BPF_B | BPF_ABS, at(0));
        self.load(BPF_ALU | BPF_AND | BPF_K, 0xf0);
        match address {
            IpAddr::V4(address) => {
                self.equals(0x40);
                self.load(BPF_LD | BPF_W | BPF_ABS, at(16));
                self.equals(address.to_bits());
                self.load(BPF_LD | BPF_B | BPF_ABS, at(9));
                self.equals(libc::IPPROTO_TCP.cast_unsigned());
                // Fragments but the first have no TCP header.
                self.load(BPF_LD | BPF_H | BPF_ABS, at(6));
                self.0.push(Step::Check(BPF_JSET, 0x1fff, false));
            }
            IpAddr::V6(address) => {
                self.equals(0x60);
                for (number, word) in (0..).zip(address.octets().as_chunks::<4>().0) {
                    self.load(BPF_LD | BPF_W | BPF_ABS, at(24 + 4 * number));
                    self.equals(u32::from_be_bytes(*word));
                }
                self.load(BPF_LD | BPF_B | BPF_ABS, at(6));
                self.equals(libc::IPPROTO_TCP.cast_unsigned());
            }
        }
    }

    fn has_only_syn(&mut self) {
        self.load(BPF_ALU | BPF_AND | BPF_K, SYN | ACK);
        self.equals(SYN);
    }

    /// `holds` and `fails` are the bytes of the packet to keep.
    fn finish(self, holds: u32, fails: u32) -> Vec<SockFilter> {
        let count = self.0.len();
        let steps = self.0.into_iter().enumerate().map(|(position, step)| {
            // Past the rest of the steps and the first return.
            let to_fail = u8::try_from(count - position).unwrap_or(u8::MAX);
            match step {
                Step::Do(code, k) => SockFilter::new(code as u16, 0, 0, k),
                Step::Check(code, k, true) => SockFilter::new((BPF_JMP | code | BPF_K) as u16, 0, to_fail, k),
                Step::Check(code, k, false) => SockFilter::new((BPF_JMP | code | BPF_K) as u16, to_fail, 0, k),
            }
        });
        let returns = [holds, fails].map(|bytes| SockFilter::new((BPF_RET | BPF_K) as u16, 0, 0, bytes));
        steps.chain(returns).collect()
    }
}
