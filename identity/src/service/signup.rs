//! New tenants with their owners, and the first platform admin.

use super::{Identity, Tokens};
use crate::email::Email;
use crate::error::IdentityError;
use crate::password::check_rules;
use bulkhead_domain::{TenantId, UserId};
use bulkhead_persistence::user::EMAIL_KEY;
use bulkhead_persistence::{
    DbError, SystemTx, TenantRow, TenantStatus, UserRole, UserRow, journal, tenant, user,
};
use secrecy::SecretString;
use uuid::Uuid;

/// Characters a tenant's name may have.
pub(crate) const TENANT_NAME_LENGTH_MAX: usize = 100;
/// The tenant the first platform admin belongs to.
const PLATFORM_TENANT_NAME: &str = "Platform";

/// A request for a new tenant.
#[derive(Debug)]
pub struct Signup {
    pub email: String,
    pub password: SecretString,
    pub tenant_name: String,
}

/// What became of the request for a first platform admin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdminOutcome {
    Created,
    /// The address is a platform admin's already; its password is left as it is.
    Exists,
    /// The address belongs to somebody who is no platform admin; nothing was changed.
    Taken,
}

impl Identity {
    /// Makes a tenant, its owner and its empty journal, all or nothing, and signs the owner in.
    pub async fn signup(&self, signup: Signup) -> Result<Tokens, IdentityError> {
        let email = Email::parse(&signup.email)?;
        let name = tenant_name(&signup.tenant_name)?;
        check_rules(&signup.password)?;
        let password_hash = self.0.passwords.hash(signup.password).await?;
        let tenant = self.new_tenant(name);
        let owner = self.new_owner(&tenant, &email, password_hash);
        let mut tx = self.0.db.begin_system().await?;
        insert_tenant_with_owner(&mut tx, &tenant, &owner).await?;
        let tokens = self.open_session(&mut tx, &owner).await?;
        tx.commit().await.map_err(email_taken)?;
        Ok(tokens)
    }

    /// Makes the first platform admin, with a tenant of its own, unless the address is in use.
    pub async fn ensure_platform_admin(
        &self,
        email: &str,
        password: SecretString,
    ) -> Result<AdminOutcome, IdentityError> {
        let email = Email::parse(email)?;
        let mut tx = self.0.db.begin_system().await?;
        if let Some(user) = user::find_user_by_email(&mut tx, email.as_str()).await? {
            return Ok(if user.is_platform_admin { AdminOutcome::Exists } else { AdminOutcome::Taken });
        }
        drop(tx);
        check_rules(&password)?;
        let password_hash = self.0.passwords.hash(password).await?;
        let tenant = self.new_tenant(PLATFORM_TENANT_NAME.to_owned());
        let admin = UserRow { is_platform_admin: true, ..self.new_owner(&tenant, &email, password_hash) };
        let mut tx = self.0.db.begin_system().await?;
        insert_tenant_with_owner(&mut tx, &tenant, &admin).await?;
        tx.commit().await?;
        Ok(AdminOutcome::Created)
    }

    fn new_tenant(&self, name: String) -> TenantRow {
        TenantRow {
            // Random, not ordered by time: its last byte is the shard.
            id: TenantId(Uuid::new_v4()),
            name,
            plan: self.0.default_plan,
            status: TenantStatus::Active,
            created_at: (self.0.clock)(),
        }
    }

    fn new_owner(&self, tenant: &TenantRow, email: &Email, password_hash: String) -> UserRow {
        UserRow {
            id: UserId(Uuid::now_v7()),
            tenant_id: tenant.id,
            email: email.as_str().to_owned(),
            password_hash,
            role: UserRole::Owner,
            is_platform_admin: false,
            created_at: tenant.created_at,
        }
    }
}

async fn insert_tenant_with_owner(
    tx: &mut SystemTx,
    tenant: &TenantRow,
    owner: &UserRow,
) -> Result<(), IdentityError> {
    tenant::insert_tenant(tx, tenant).await?;
    user::insert_user(tx, owner).await.map_err(email_taken)?;
    journal::create_head(tx, tenant.id).await?;
    Ok(())
}

fn email_taken(error: DbError) -> IdentityError {
    if error.constraint() == Some(EMAIL_KEY) { IdentityError::EmailTaken } else { IdentityError::Db(error) }
}

fn tenant_name(text: &str) -> Result<String, IdentityError> {
    let name = text.trim();
    let length = name.chars().count();
    let fits = (1..=TENANT_NAME_LENGTH_MAX).contains(&length) && !name.chars().any(char::is_control);
    if fits { Ok(name.to_owned()) } else { Err(IdentityError::InvalidTenantName) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenant_names_are_trimmed_and_visible() {
        assert_eq!(tenant_name("  Acme & Söhne ").unwrap(), "Acme & Söhne");
        for bad in ["", "   ", "a\nb", &"x".repeat(TENANT_NAME_LENGTH_MAX + 1)] {
            assert!(tenant_name(bad).is_err(), "{bad:?}");
        }
    }
}
