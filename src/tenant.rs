//! `bulkhead tenant`.

use crate::admin::{identity, read_password};
use crate::cli::TenantCommand;
use crate::database::Database;
use crate::output::{Output, say};
use bulkhead_identity::Signup;
use bulkhead_persistence::TenantRow;
use bulkhead_persistence::tenant::list_tenants;

pub(crate) async fn run(command: TenantCommand) -> anyhow::Result<()> {
    match command {
        TenantCommand::List { database, limit } => {
            let database = Database::open(&database).await?;
            let mut tx = database.db.begin_system().await?;
            let tenants = list_tenants(&mut tx, None, limit).await?;
            tx.commit().await?;
            database.close().await?;
            print(&tenants)
        }
        TenantCommand::Create { database, name, email, plan } => {
            let password = read_password()?;
            let database = Database::open(&database).await?;
            let identity = identity(&database, plan)?;
            let signup = Signup { email: email.clone(), password, tenant_name: name };
            let tokens = identity.signup(signup).await?;
            database.close().await?;
            Ok(say(serde_json::json!({ "id": tokens.tenant_id, "owner": email }))?)
        }
    }
}

fn print(tenants: &[TenantRow]) -> anyhow::Result<()> {
    let mut output = Output::new();
    for tenant in tenants {
        output.line(serde_json::json!({
            "id": tenant.id, "name": tenant.name, "plan": tenant.plan, "status": tenant.status,
            "created_at": tenant.created_at,
        }))?;
    }
    Ok(output.flush()?)
}
