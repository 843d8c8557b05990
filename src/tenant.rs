//! `bulkhead tenant`.

use crate::admin::{identity, read_password};
use crate::cli::TenantCommand;
use crate::database::Database;
use bulkhead_identity::Signup;
use bulkhead_persistence::tenant::list_tenants;

pub(crate) async fn run(command: TenantCommand) -> anyhow::Result<()> {
    match command {
        TenantCommand::List { database, limit } => {
            let database = Database::open(&database).await?;
            let mut tx = database.db.begin_system().await?;
            for tenant in list_tenants(&mut tx, None, limit).await? {
                let line = serde_json::json!({
                    "id": tenant.id, "name": tenant.name, "plan": tenant.plan, "status": tenant.status,
                    "created_at": tenant.created_at,
                });
                println!("{line}");
            }
            tx.commit().await?;
            database.close().await
        }
        TenantCommand::Create { database, name, email, plan } => {
            let password = read_password()?;
            let database = Database::open(&database).await?;
            let identity = identity(&database, plan)?;
            let signup = Signup { email: email.clone(), password, tenant_name: name };
            let tokens = identity.signup(signup).await?;
            println!("{}", serde_json::json!({ "id": tokens.tenant_id, "owner": email }));
            database.close().await
        }
    }
}
