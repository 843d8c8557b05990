-- What calibrations found: the parameters of a model for an underlying, with how well they fit. The newest of a model
-- and underlying is the current one, the others are its history.
create table quant_parameter (
    tenant_id uuid not null,
    id uuid not null,
    -- No list of models here, or every new one would need a migration before its code.
    model text not null check (length(model) between 1 and 32),
    underlying text not null check (length(underlying) between 1 and 64),
    fitted_at timestamptz not null,
    fitted_by uuid not null,
    -- JSON objects, as the API shows them.
    parameters text not null,
    quality text not null,
    primary key (tenant_id, id)
);
-- One underlying's history, newest first, and its current row without a sort.
create index quant_parameter_underlying_idx on quant_parameter (tenant_id, model, underlying, fitted_at desc, id desc);
-- Every underlying's history, newest first.
create index quant_parameter_fitted_at_idx on quant_parameter (tenant_id, fitted_at desc, id desc);
alter table quant_parameter enable row level security;
alter table quant_parameter force row level security;
create policy tenant_of_transaction on quant_parameter to bulkhead_app
    using (tenant_id = (select app_tenant())) with check (tenant_id = (select app_tenant()));
-- Delete, because the history of an underlying has a bound.
grant select, insert, delete on quant_parameter to bulkhead_app;
