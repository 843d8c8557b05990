//! A tenant to try things out with, on a PostgreSQL of our own only. Its passwords are made at the first
//! start and kept in the data directory.

use crate::output::tell;
use anyhow::Context;
use bulkhead_identity::{AdminOutcome, Identity, IdentityError, Signup};
use serde::{Deserialize, Serialize};
use std::fs::OpenOptions;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

const FILE_NAME: &str = "demo.json";
const TRADER: &str = "demo@example.com";
const ADMIN: &str = "admin@example.com";
const PASSWORD_BYTES: usize = 12;

/// How to sign in.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Demo {
    email: String,
    password: String,
    admin_email: String,
    admin_password: String,
}

/// Makes the demo tenant and a platform admin, unless they are there.
pub(super) async fn prepare(identity: &Identity, data_dir: &Path) -> anyhow::Result<Demo> {
    let path = data_dir.join(FILE_NAME);
    let demo = match std::fs::read(&path) {
        Ok(bytes) => {
            serde_json::from_slice(&bytes).with_context(|| format!("{} does not read", path.display()))?
        }
        Err(_) => create(&path)?,
    };
    let signup = Signup {
        email: demo.email.clone(),
        password: demo.password.clone().into(),
        tenant_name: "Demo".to_owned(),
    };
    match identity.signup(signup).await {
        Ok(_) | Err(IdentityError::EmailTaken) => {}
        Err(error) => return Err(error.into()),
    }
    match identity.ensure_platform_admin(&demo.admin_email, demo.admin_password.clone().into()).await? {
        AdminOutcome::Created | AdminOutcome::Exists | AdminOutcome::Taken => Ok(demo),
    }
}

fn create(path: &Path) -> anyhow::Result<Demo> {
    let demo = Demo {
        email: TRADER.to_owned(),
        password: random_password()?,
        admin_email: ADMIN.to_owned(),
        admin_password: random_password()?,
    };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(&serde_json::to_vec_pretty(&demo)?)?;
    Ok(demo)
}

fn random_password() -> anyhow::Result<String> {
    let mut bytes = [0u8; PASSWORD_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no random numbers: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

impl Demo {
    /// Says what to do next, in lines that work when pasted.
    pub(super) fn explain(&self, address: SocketAddr) {
        let Self { email, password, admin_email, admin_password } = self;
        tell(format_args!(
            r#"
Bulkhead is running at http://{address}, its documentation at http://{address}/docs

Sign in as the demo trader (password {password}):

  TOKEN=$(curl -s http://{address}/api/v1/auth/login -H 'content-type: application/json' \
    -d '{{"email":"{email}","password":"{password}"}}' | sed 's/.*"access_token":"\([^"]*\)".*/\1/')

Buy a little, and look at it:

  curl -s http://{address}/api/v1/orders -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' \
    -d '{{"symbol":"BTC-USDT","side":"buy","type":"market","quantity":"0.01"}}'
  curl -s http://{address}/api/v1/portfolio -H "authorization: Bearer $TOKEN"
  curl -s "http://{address}/api/v1/events?after_seq=0" -H "authorization: Bearer $TOKEN"

The platform's admin is {admin_email}, password {admin_password}. Ctrl-C stops everything in order.
"#
        ));
    }
}
