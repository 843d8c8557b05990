//! Who is asking, and what they may do.

use bulkhead_domain::{TenantId, Timestamp, UserId};
use bulkhead_persistence::UserRole;
use uuid::Uuid;

/// A proven identity. The tenant comes from here and from nowhere else in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Principal {
    pub tenant_id: TenantId,
    pub user_id: UserId,
    pub session_id: Uuid,
    pub role: UserRole,
    /// Runs the platform; independent of the role in the own tenant.
    pub is_platform_admin: bool,
    /// The proof is good until then.
    pub expires_at: Timestamp,
}

/// What a request needs the right to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// See orders, positions and events.
    Read,
    /// Place and cancel orders.
    Trade,
    /// Change the tenant itself: people, accounts, plan.
    ManageTenant,
    /// See and operate every tenant.
    OperatePlatform,
}

impl Permission {
    /// What each role may do in its tenant. Deny is the default.
    const GRANTS: &[(UserRole, &[Permission])] = &[
        (UserRole::Owner, &[Self::Read, Self::Trade, Self::ManageTenant]),
        (UserRole::Admin, &[Self::Read, Self::Trade, Self::ManageTenant]),
        (UserRole::Trader, &[Self::Read, Self::Trade]),
        (UserRole::Viewer, &[Self::Read]),
    ];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Trade => "trade",
            Self::ManageTenant => "manage_tenant",
            Self::OperatePlatform => "operate_platform",
        }
    }
}

impl Principal {
    /// Whether this principal has the right.
    pub fn may(&self, permission: Permission) -> bool {
        if permission == Permission::OperatePlatform {
            return self.is_platform_admin;
        }
        let granted = Permission::GRANTS.iter().find(|(role, _)| *role == self.role);
        granted.is_some_and(|(_, permissions)| permissions.contains(&permission))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(role: UserRole, is_platform_admin: bool) -> Principal {
        Principal {
            tenant_id: TenantId(Uuid::nil()),
            user_id: UserId(Uuid::nil()),
            session_id: Uuid::nil(),
            role,
            is_platform_admin,
            expires_at: Timestamp::EPOCH,
        }
    }

    #[test]
    fn rights_by_role() {
        use Permission::{ManageTenant, OperatePlatform, Read, Trade};
        let all = [Read, Trade, ManageTenant, OperatePlatform];
        let table = [
            (principal(UserRole::Owner, false), [true, true, true, false]),
            (principal(UserRole::Admin, false), [true, true, true, false]),
            (principal(UserRole::Trader, false), [true, true, false, false]),
            (principal(UserRole::Viewer, false), [true, false, false, false]),
            (principal(UserRole::Viewer, true), [true, false, false, true]),
        ];
        for (principal, expected) in table {
            assert_eq!(all.map(|permission| principal.may(permission)), expected, "{:?}", principal.role);
        }
    }
}
