//! What the catalogue says about isolation, for every table there is and will be.

use crate::support::Fixture;
use sqlx::{PgConnection, Row};

/// Tables with tenants' rows that lack enabled and forced row-level security or a policy. `tenant` itself has no
/// tenant_id: its key is one.
const UNPROTECTED: &str = "
    select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and n.nspname = 'public'
      and (c.relname = 'tenant' or exists (
          select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped))
      and not (c.relrowsecurity and c.relforcerowsecurity and exists (select from pg_policy p where p.polrelid = c.oid))";

/// Policies that let somebody other than the platform see rows without asking for the tenant, and policies for all.
const OPEN_POLICIES: &str = "
    select format('%s.%s', tablename, policyname) from pg_policies
    where roles <> '{bulkhead_system}'
      and (roles not in ('{bulkhead_app}', '{bulkhead_writer}')
           or coalesce(qual, with_check) not like case roles[1] when 'bulkhead_app' then '%app_tenant()%'
                                                  else '%app.tenants%' end)";

const MIGHTY_ROLES: &str = "
    select rolname::text from pg_roles where rolname in ('bulkhead_app', 'bulkhead_writer', 'bulkhead_system')
      and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication or rolinherit
           or exists (select from pg_class c where c.relowner = pg_roles.oid)
           or exists (select from pg_proc f where f.proowner = pg_roles.oid)
           or exists (select from pg_auth_members m where m.member = pg_roles.oid))
    union all select rolname from pg_roles where rolname = 'bulkhead_owner' and (rolsuper or rolbypassrls or rolcanlogin)";

/// Views and functions that run with their owner's rights would step around the policies.
const BYPASSES: &str = "
    select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'public' and (c.relkind = 'm' or c.relkind = 'v' and not coalesce(c.reloptions, '{}') @> '{security_invoker=on}')
    union all select p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname = 'public' and p.prosecdef";

/// Rights that row-level security does not cover, or that nobody was meant to have.
const STRAY_GRANTS: &str = "
    select format('%s: %s on %s', grantee, privilege_type, table_name) from information_schema.role_table_grants
    where table_schema = 'public' and grantee <> 'bulkhead_owner'
      and (grantee not in ('bulkhead_app', 'bulkhead_writer', 'bulkhead_system')
           or privilege_type in ('TRUNCATE', 'REFERENCES', 'TRIGGER')
           or table_name = 'journal' and privilege_type in ('UPDATE', 'DELETE'))";

async fn findings(conn: &mut PgConnection) -> Vec<String> {
    let mut found = Vec::new();
    for question in [UNPROTECTED, OPEN_POLICIES, MIGHTY_ROLES, BYPASSES, STRAY_GRANTS] {
        let rows = sqlx::query(question).fetch_all(&mut *conn).await.unwrap();
        found.extend(rows.iter().map(|row| row.get::<String, _>(0)));
    }
    found
}

#[tokio::test]
async fn every_table_of_a_tenant_is_protected_and_every_hole_is_found() {
    let fixture = Fixture::new().await;
    let mut admin = fixture.admin().await;
    assert_eq!(findings(&mut admin).await, Vec::<String>::new());

    // Each of these is a hole; the questions above are worth something only if they see it.
    let holes = [
        "create table leak (tenant_id uuid)",
        "create table leak (tenant_id uuid); alter table leak enable row level security;
         create policy p on leak to bulkhead_app using (tenant_id = (select app_tenant()))",
        "create table leak (tenant_id uuid); alter table leak enable row level security;
         alter table leak force row level security",
        "alter table position disable row level security",
        "alter table position no force row level security",
        "create policy p on position to bulkhead_app using (true)",
        "create policy p on position using (tenant_id = (select app_tenant()))",
        "alter role bulkhead_app bypassrls",
        "alter role bulkhead_writer superuser",
        "alter table position owner to bulkhead_app",
        "grant bulkhead_owner to bulkhead_app",
        "create view leak as select * from position",
        "create materialized view leak as select * from position",
        "create function leak() returns bigint language sql security definer as 'select count(*) from position'",
        "grant truncate on position to bulkhead_app",
        "grant update on journal to bulkhead_writer",
        "grant select on position to public",
    ];
    for hole in holes {
        sqlx::raw_sql("begin").execute(&mut admin).await.unwrap();
        sqlx::raw_sql(hole).execute(&mut admin).await.unwrap();
        assert_ne!(findings(&mut admin).await, Vec::<String>::new(), "not seen: {hole}");
        sqlx::raw_sql("rollback").execute(&mut admin).await.unwrap();
    }
}
