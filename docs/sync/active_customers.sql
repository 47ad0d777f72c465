-- The customers of some tenants that may be sent to an audience. Consent is not asked here but by `consent` in
-- audiences.yml, so that who is left out for it is counted. Change the names to yours.
select c.id, c.email, c.phone, c.firstname, c.lastname, c.accepts_marketing
from customers_master as c
where c.tenant_id in :tenants
  and c.email ~ '^[^@[:space:]]+@[^@[:space:]]+\.[^@.[:space:]]+$'
  and not exists (
    select 1 from cdp.cdp_rfm_analysis as r where r.customer_id = c.id and r.rfm_segment::text in :not_segments
  )
