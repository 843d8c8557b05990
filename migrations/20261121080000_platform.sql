-- Tenants, people and their sessions.
--
-- Every table that belongs to a tenant has row-level security enabled and forced; a policy names the role it
-- is for, because permissive policies are joined by "or" and one policy for everybody would undo the others.
-- The roles are made by the server's bootstrap, before any migration runs.

-- The tenant of the transaction, or null. After a transaction-local set_config the setting reads '' on a reused
-- connection, not null, hence nullif. Policies call it as (select app_tenant()): evaluated once per statement.
create function app_tenant() returns uuid language sql stable parallel safe
    return nullif(current_setting('app.current_tenant_id', true), '')::uuid;

create table tenant (
    id uuid primary key,
    name text not null check (length(name) between 1 and 200),
    plan text not null check (plan in ('starter', 'pro', 'enterprise', 'unlimited')),
    status text not null default 'active' check (status in ('active', 'suspended', 'quarantined', 'closed')),
    created_at timestamptz not null
);
create index tenant_created_at_idx on tenant (created_at desc, id desc);
alter table tenant enable row level security;
alter table tenant force row level security;
create policy tenant_of_transaction on tenant to bulkhead_app using (id = (select app_tenant()));
create policy platform on tenant to bulkhead_system using (true) with check (true);
grant select on tenant to bulkhead_app;
grant select, insert, update on tenant to bulkhead_system;

create table app_user (
    tenant_id uuid not null references tenant (id),
    id uuid not null,
    -- Compared and stored in lower case, so that one mailbox is one user.
    email text not null check (email = lower(email) and length(email) between 3 and 320),
    password_hash text not null,
    role text not null check (role in ('owner', 'admin', 'trader', 'viewer')),
    is_platform_admin boolean not null default false,
    created_at timestamptz not null,
    primary key (tenant_id, id),
    -- An email names its tenant at sign-in, before any tenant is known: unique over all tenants, on purpose.
    constraint app_user_email_key unique (email)
);
create unique index app_user_id_key on app_user (id);
alter table app_user enable row level security;
alter table app_user force row level security;
create policy tenant_of_transaction on app_user to bulkhead_app using (tenant_id = (select app_tenant()));
create policy platform on app_user to bulkhead_system using (true) with check (true);
-- Column by column: nothing that acts for a tenant can read a password hash.
grant select (tenant_id, id, email, role, is_platform_admin, created_at) on app_user to bulkhead_app;
grant select, insert, update on app_user to bulkhead_system;

create table session (
    tenant_id uuid not null,
    id uuid not null,
    user_id uuid not null,
    created_at timestamptz not null,
    -- No refresh goes past this moment, however active the session is.
    expires_at timestamptz not null,
    revoked_at timestamptz,
    revoke_reason text check (revoke_reason in ('signed_out', 'refresh_reuse', 'admin', 'password_change')),
    primary key (tenant_id, id),
    foreign key (tenant_id, user_id) references app_user (tenant_id, id),
    check ((revoked_at is null) = (revoke_reason is null)),
    check (expires_at > created_at)
);
create unique index session_id_key on session (id);
create index session_user_idx on session (tenant_id, user_id, created_at desc);
alter table session enable row level security;
alter table session force row level security;
create policy platform on session to bulkhead_system using (true) with check (true);
grant select, insert, update on session to bulkhead_system;

-- One row per refresh token ever issued; only its SHA-256 is stored. A token is spent once: used_at and
-- successor are set together, and a spent token that comes back later is proof of theft.
create table refresh_token (
    hash bytea primary key check (octet_length(hash) = 32),
    tenant_id uuid not null,
    session_id uuid not null,
    user_id uuid not null,
    issued_at timestamptz not null,
    expires_at timestamptz not null check (expires_at > issued_at),
    used_at timestamptz,
    successor bytea,
    foreign key (tenant_id, session_id) references session (tenant_id, id),
    check ((used_at is null) = (successor is null))
);
create index refresh_token_session_idx on refresh_token (tenant_id, session_id);
alter table refresh_token enable row level security;
alter table refresh_token force row level security;
create policy platform on refresh_token to bulkhead_system using (true) with check (true);
grant select, insert, update on refresh_token to bulkhead_system;
