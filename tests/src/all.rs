//! Everything that is tested from outside: the rules of the house, the real binary over the network, crashes under
//! load, and the checker itself.

#[cfg(test)]
mod actors;
#[cfg(test)]
mod api;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod mutations;
#[cfg(test)]
mod process;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod socket;
#[cfg(test)]
mod tidy;
