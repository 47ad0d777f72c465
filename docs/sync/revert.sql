-- Drops what migrate.sql has added, and nothing that was there before it. What was written into it since is lost.
do $revert$
declare
  places constant regclass[] := array['cdp.facebook_configurations', 'customers_master']::regclass[];
  added record;
begin
  for added in
    select attrelid::regclass as place, attname as name from pg_attribute
    where attrelid = any (places) and attnum > 0 and not attisdropped
      and col_description(attrelid, attnum) = 'added by Audience Activation'
  loop
    execute format('alter table %s drop column %I', added.place, added.name);
  end loop;
end
$revert$
