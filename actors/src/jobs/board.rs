//! Which jobs there are. Bounded: per tenant in what is pending, and in all in what is kept.

use super::{Job, JobId, KEPT_MAX, KEPT_PER_TENANT_MAX, PENDING_PER_TENANT_MAX, SubmitError};
use bulkhead_domain::{TenantId, Timestamp};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

/// Jobs by id, which sorts by age, and the ids of each tenant, oldest first.
#[derive(Default)]
pub(super) struct Board {
    jobs: BTreeMap<JobId, Arc<Job>>,
    of_tenant: HashMap<TenantId, VecDeque<JobId>>,
}

impl Board {
    pub(super) fn add(&mut self, job: Arc<Job>) -> Result<(), SubmitError> {
        let own = self.of_tenant.get(&job.tenant_id);
        let own_jobs = || own.into_iter().flatten().filter_map(|id| self.jobs.get(id));
        if own_jobs().filter(|job| !job.has_ended()).count() >= PENDING_PER_TENANT_MAX {
            return Err(SubmitError::TooManyJobs);
        }
        let is_crowded = own.is_some_and(|ids| ids.len() >= KEPT_PER_TENANT_MAX);
        let oldest_own = own_jobs().find(|job| job.has_ended()).filter(|_| is_crowded).cloned();
        let oldest = oldest_own.or_else(|| {
            let is_full = self.jobs.len() >= KEPT_MAX;
            self.jobs.values().find(|job| job.has_ended()).filter(|_| is_full).cloned()
        });
        if let Some(oldest) = oldest {
            self.remove(&oldest);
        }
        self.of_tenant.entry(job.tenant_id).or_default().push_back(job.id);
        self.jobs.insert(job.id, job);
        Ok(())
    }

    pub(super) fn remove(&mut self, job: &Job) {
        self.jobs.remove(&job.id);
        if let Some(own) = self.of_tenant.get_mut(&job.tenant_id) {
            own.retain(|id| *id != job.id);
            if own.is_empty() {
                self.of_tenant.remove(&job.tenant_id);
            }
        }
    }

    pub(super) fn find(&self, tenant_id: TenantId, id: JobId) -> Option<Arc<Job>> {
        self.jobs.get(&id).filter(|job| job.tenant_id == tenant_id).cloned()
    }

    pub(super) fn list(&self, tenant_id: TenantId) -> Vec<Arc<Job>> {
        let own = self.of_tenant.get(&tenant_id).into_iter().flatten().rev();
        own.filter_map(|id| self.jobs.get(id)).cloned().collect()
    }

    pub(super) fn forget_ended_before(&mut self, time: Timestamp) {
        let old: Vec<Arc<Job>> =
            self.jobs.values().filter(|job| job.ended_at().is_some_and(|at| at < time)).cloned().collect();
        for job in old {
            self.remove(&job);
        }
    }
}
