//! On a real clock: the pool's threads are real ones. Nobody keeps parameters here.

use super::*;
use bulkhead_supervision::{ChildSpec, Strategy, SupervisorHandle, SupervisorSpec, start_root};
use serde_json::{Map, Value, json};
use std::sync::mpsc;
use tokio::time::timeout;
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(20);

async fn started() -> (Jobs, SupervisorHandle) {
    let jobs = Jobs::new();
    let spec =
        SupervisorSpec::new("node", Strategy::OneForOne).child(ChildSpec::pool("compute", jobs.pool()));
    (jobs, start_root(spec).await.unwrap())
}

fn order_of(tenant: u128) -> JobOrder {
    JobOrder { tenant_id: TenantId(Uuid::from_u128(tenant)), user_id: UserId(Uuid::nil()), kind: "test" }
}

fn answer(n: u64) -> Output {
    Output { body: Map::from_iter([("n".to_owned(), json!(n))]), fit: None }
}

async fn end_of(job: &Job) -> End {
    timeout(PATIENCE, job.ended()).await.unwrap()
}

/// Keeps every thread of the pool busy until the senders are dropped.
fn occupy(jobs: &Jobs) -> (Vec<mpsc::Sender<()>>, Vec<Arc<Job>>) {
    let cores = std::thread::available_parallelism().unwrap().get();
    let hold = |tenant| {
        let (release, held) = mpsc::channel::<()>();
        let work = move |run: &JobRun<'_>| {
            run.report(0.5);
            held.recv().ok();
            Ok(answer(0))
        };
        (release, jobs.submit(order_of(tenant), work).unwrap())
    };
    (0..u128::try_from(cores / 2).unwrap().max(1)).map(|n| hold(1_000 + n)).unzip()
}

#[tokio::test]
async fn a_job_is_found_by_its_tenant_until_it_is_forgotten() {
    let (jobs, root) = started().await;
    let job = jobs.submit(order_of(1), |_| Ok(answer(7))).unwrap();
    let end = end_of(&job).await;
    assert_eq!(end.result.unwrap()["n"], 7);
    assert_eq!(job.phase(), Phase::Done);
    assert!(jobs.find(job.tenant_id, job.id).is_some());
    assert!(jobs.find(order_of(2).tenant_id, job.id).is_none(), "another tenant's is not found");
    jobs.sweep();
    assert_eq!(jobs.list(job.tenant_id).len(), 1, "its hour is not over");
    jobs.board().forget_ended_before(end.at.plus_micros(1));
    assert!(jobs.list(job.tenant_id).is_empty());
    root.stop(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn one_tenant_may_have_so_many_pending_and_others_still_have_room() {
    let (jobs, root) = started().await;
    let (release, held) = occupy(&jobs);
    let mine: Vec<_> =
        (0..PENDING_PER_TENANT_MAX).map(|_| jobs.submit(order_of(1), |_| Ok(answer(1))).unwrap()).collect();
    assert_eq!(jobs.submit(order_of(1), |_| Ok(answer(1))).err(), Some(SubmitError::TooManyJobs));
    let theirs = jobs.submit(order_of(2), |_| Ok(answer(2))).unwrap();
    assert_eq!(theirs.phase(), Phase::Queued);
    drop(release);
    for job in mine.iter().chain(&held).chain([&theirs]) {
        end_of(job).await.result.unwrap();
    }
    jobs.submit(order_of(1), |_| Ok(answer(1))).unwrap();
    root.stop(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_cancelled_job_does_not_run_and_a_running_one_sees_it() {
    let (jobs, root) = started().await;
    let (release, held) = occupy(&jobs);
    while held[0].progress() < 0.5 {
        tokio::task::yield_now().await;
    }
    assert_eq!(held[0].phase(), Phase::Running);
    let queued = jobs.submit(order_of(1), |_| panic!("it was cancelled before its turn")).unwrap();
    queued.cancel();
    drop(release);
    end_of(&queued).await.result.unwrap_err();
    assert_eq!(queued.phase(), Phase::Cancelled);
    let work = |run: &JobRun<'_>| {
        while !run.is_cancelled() {
            std::thread::yield_now();
        }
        Err(QuantError::Cancelled)
    };
    let running = jobs.submit(order_of(1), work).unwrap();
    running.cancel();
    end_of(&running).await.result.unwrap_err();
    assert_eq!(running.phase(), Phase::Cancelled);
    root.stop(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn failures_say_whose_fault_they_are() {
    let (jobs, root) = started().await;
    let refused = jobs.submit(order_of(1), |_| Err(QuantError::Constant { what: "series" })).unwrap();
    let failure = end_of(&refused).await.result.unwrap_err();
    assert_eq!(failure, JobFailure::Refused(QuantError::Constant { what: "series" }));
    let panicking = jobs.submit(order_of(1), |_| panic!("on purpose")).unwrap();
    assert_eq!(end_of(&panicking).await.result.unwrap_err(), JobFailure::Interrupted);
    assert_eq!(panicking.phase(), Phase::Failed);
    let after = jobs.submit(order_of(1), |_| Ok(answer(1))).unwrap();
    end_of(&after).await.result.unwrap();
    root.stop(PATIENCE).await.unwrap();
    let late = jobs.submit(order_of(1), |_| Ok(answer(1)));
    assert_eq!(late.err(), Some(SubmitError::Unavailable(Unavailable::Stopped)));
    assert!(jobs.list(order_of(1).tenant_id).iter().all(|job| job.has_ended()), "what was refused is no job");
}

#[tokio::test]
async fn an_answer_says_when_its_parameters_could_not_be_kept() {
    let (jobs, root) = started().await;
    let fit = Fit { model: "ou", underlying: "X".to_owned(), parameters: json!({}), quality: json!({}) };
    let job = jobs.submit(order_of(1), |_| Ok(Output { fit: Some(fit), ..answer(1) })).unwrap();
    assert_eq!(end_of(&job).await.result.unwrap()["kept_as"], Value::Null);
    root.stop(PATIENCE).await.unwrap();
}

#[test]
fn the_oldest_results_go_when_there_are_too_many() {
    let mut board = Board::default();
    let mut add = |tenant| {
        let job = Arc::new(Job::new(order_of(tenant), clock::now()));
        job.finish(Ok(Arc::default()));
        board.add(job.clone()).unwrap();
        job
    };
    let first: Vec<_> = (0..KEPT_PER_TENANT_MAX).map(|_| add(1)).collect();
    let last = add(1);
    for n in 0..KEPT_MAX {
        add(2 + u128::try_from(n / 100).unwrap());
    }
    assert!(board.find(last.tenant_id, first[0].id).is_none(), "its tenant had too many");
    assert!(board.find(last.tenant_id, last.id).is_none(), "there were too many in all");
    let newest = board.list(order_of(2 + 40).tenant_id);
    assert!(newest.windows(2).all(|pair| pair[0].id > pair[1].id), "newest first");
}
