//! Load from several tenants at once, over many connections, that survives the server's deaths.

use super::client::Client;
use super::record::Record;
use super::trader::Trader;
use super::worker::Worker;
use super::{Server, within};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

const RESOLVED_WITHIN: Duration = Duration::from_secs(60);

/// Where the server is now; none while it is down.
pub(crate) type Whereabouts = watch::Receiver<Option<Arc<Address>>>;

/// A server in one of its lives.
pub(crate) struct Address {
    pub(crate) client: Client,
    pub(crate) life: u64,
}

/// How a load is made.
#[derive(Clone, Copy)]
pub(crate) struct LoadOptions {
    pub(crate) seed: u64,
    pub(crate) tenants: usize,
    pub(crate) connections: usize,
}

/// What one tenant's workers have in common.
pub(crate) struct TenantLoad {
    pub(crate) trader: Trader,
    /// A fresh token whenever the old one ran out.
    pub(crate) token: tokio::sync::Mutex<String>,
    /// Orders that were acknowledged so far.
    pub(crate) acknowledged: AtomicU64,
    /// Answers that were neither a success nor a denial.
    pub(crate) troubles: AtomicU64,
}

/// A running load.
pub(crate) struct Load {
    pub(crate) record: Record,
    pub(crate) tenants: Vec<Arc<TenantLoad>>,
    address: watch::Sender<Option<Arc<Address>>>,
    is_stopping: Arc<AtomicBool>,
    workers: Vec<JoinHandle<()>>,
    life: u64,
}

impl Load {
    /// Signs the tenants up and starts the workers.
    pub(crate) async fn start(server: &Server, options: LoadOptions) -> Self {
        let record = Record::create(&server.dir().join(&format!("clients-{}.jsonl", options.seed)));
        let (address, whereabouts) = watch::channel(None);
        let is_stopping = Arc::new(AtomicBool::new(false));
        let mut tenants = Vec::new();
        let mut workers = Vec::new();
        for tenant in 0..options.tenants {
            let trader = server.trader(&format!("load-{}-{tenant}", options.seed)).await;
            let token = tokio::sync::Mutex::new(trader.client.token().to_owned());
            let (acknowledged, troubles) = (AtomicU64::new(0), AtomicU64::new(0));
            let tenant_load = Arc::new(TenantLoad { trader, token, acknowledged, troubles });
            for connection in 0..options.connections {
                let worker = Worker::new(
                    (tenant_load.clone(), record.clone()),
                    (whereabouts.clone(), is_stopping.clone()),
                    (options.seed, u64::try_from(tenant * 1_000 + connection).unwrap()),
                );
                workers.push(tokio::spawn(worker.run()));
            }
            tenants.push(tenant_load);
        }
        let mut load = Self { record, tenants, address, is_stopping, workers, life: 0 };
        load.server_is_up(server);
        load
    }

    /// Tells the workers where the server is.
    pub(crate) fn server_is_up(&mut self, server: &Server) {
        self.life += 1;
        self.address.send_replace(Some(Arc::new(Address { client: server.client(), life: self.life })));
    }

    /// Tells the workers that there is no server.
    pub(crate) fn server_is_down(&self) {
        self.address.send_replace(None);
    }

    /// Waits until every tenant has had orders acknowledged from now on.
    pub(crate) async fn await_progress(&self, orders: u64) {
        for tenant in &self.tenants {
            let goal = tenant.acknowledged.load(Ordering::Relaxed) + orders;
            within(RESOLVED_WITHIN, "a tenant's orders are acknowledged", async || {
                (tenant.acknowledged.load(Ordering::Relaxed) >= goal).then_some(())
            })
            .await;
        }
    }

    /// Returns at a moment at which at least so many orders are in flight.
    pub(crate) async fn await_in_flight(&self, orders: usize) {
        let deadline = tokio::time::Instant::now() + RESOLVED_WITHIN;
        while self.record.orders_in_flight() < orders {
            assert!(tokio::time::Instant::now() < deadline, "no order is in flight");
            tokio::task::yield_now().await;
        }
    }

    /// Lets every worker find out what became of its last order, closes what is open, and ends the load.
    pub(crate) async fn finish(mut self) -> Record {
        self.is_stopping.store(true, Ordering::Relaxed);
        for worker in self.workers.drain(..) {
            tokio::time::timeout(RESOLVED_WITHIN, worker).await.expect("every outcome is found out").unwrap();
        }
        let client = self.address.borrow().as_ref().unwrap().client.clone();
        for tenant in &self.tenants {
            tenant.trader.sign_in(client.clone()).await.close_all().await;
        }
        self.record.clone()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.workers.iter().for_each(JoinHandle::abort);
    }
}
