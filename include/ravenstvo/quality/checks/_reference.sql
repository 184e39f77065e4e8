-- What the checks of all sources compare with: the seeds, and the registers that are in force.
-- Lives as long as the connection.

-- Fresh tables have no statistics, and one wrong guess of "one row" makes a loop within a loop over every pupil, or has
-- all of them sorted.
set enable_nestloop = off;
set enable_mergejoin = off;

create function pg_temp.fold(x text) returns text language sql immutable as
$$ select trim(regexp_replace(replace(lower(x collate pg_c_utf8), 'ё', 'е'), '\s+', ' ', 'g')) $$;

create function pg_temp.fold_name(x text) returns text language sql immutable as
$$ select trim(regexp_replace(replace(lower(x collate pg_c_utf8), 'ё', 'е'), '[^0-9a-zа-я]+', ' ', 'g')) $$;

-- An answer of a form without its number: «2.Примерно половина».
create function pg_temp.answer(x text) returns text language sql immutable as
$$ select translate(regexp_replace(pg_temp.fold(x), '^[0-9]+\s*\.\s*', ''), '–—', '--') $$;

-- A whole number of a size that a form can hold; null for anything else.
create function pg_temp.whole(x text) returns integer language sql immutable as
$$ select case when x ~ '^-?[0-9]{1,9}$' then x::integer end $$;

create function pg_temp.num(x text) returns numeric language sql immutable as
$$ select case when x ~ '^-?[0-9]{1,12}(\.[0-9]{1,12})?$' then x::numeric end $$;

create function pg_temp.day(x text) returns date language sql immutable as
$$ select case when x ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' and pg_input_is_valid(x, 'date') then x::date end $$;

-- Leading zeros are lost wherever a code has passed through a spreadsheet as a number.
create function pg_temp.code6(x text) returns text language sql immutable as
$$ select case when x ~ '^[0-9]{1,5}$' then lpad(x, 6, '0') else x end $$;

-- Rejected, or replaced by a corrected row.
create function pg_temp.is_rejected(part bigint, row_number integer) returns boolean language sql stable as $$
    select exists (
        select 1 from ops.row_finding
        where part_id = part and row_no = row_number and severity = 'critical'
    ) or exists (select 1 from ops.superseded_row where part_id = part and row_no = row_number)
$$;

create temp table subject_name as
select exam, spelling, procedure_subject from seeds.subject_alias;

create temp table work as
select procedure_code, exam, procedure_subject, grade, score_kind from seeds.procedure;

-- A scale or a maximum holds from its first year until a newer one replaces it.
create temp table scale_in_force as
with years as (select distinct pg_temp.whole(year::text) as year from ops.source_part where year is not null)
select scale.procedure_code, years.year, scale.mark, scale.score_from, scale.score_to
from years
inner join seeds.mark_scale as scale
    on scale.year_from = (
        select max(newest.year_from) from seeds.mark_scale as newest
        where newest.procedure_code = scale.procedure_code and newest.year_from <= years.year
    );

create temp table max_in_force as
with years as (select distinct pg_temp.whole(year::text) as year from ops.source_part where year is not null)
select top.procedure_code, years.year, top.max_primary
from years
inner join seeds.max_score as top
    on top.year_from = (
        select max(newest.year_from) from seeds.max_score as newest
        where newest.procedure_code = top.procedure_code and newest.year_from <= years.year
    );

-- Registers: rows in force that no critical finding rejects.
create temp table register_row as
with registers as (
    select 'school' as register, part_id, row_no, school_code, school_login, full_name, short_name, municipality
    from landing.school
    union all
    select 'school_login', part_id, row_no, null, school_login, school_name, null, municipality
    from landing.school_login
    union all
    select 'school_context', part_id, row_no, school_code, school_login, school_name, full_name, null
    from landing.school_context
)
select
    register, pg_temp.code6(school_code) as school_code, lower(school_login) as school_login, full_name, short_name,
    pg_temp.fold_name(municipality) as municipality
from registers
inner join ops.source_part as part using (part_id)
where part.in_force and not pg_temp.is_rejected(part_id, row_no);

create temp table register_login as
select distinct
    school_login as login,
    coalesce(prefix.family, substring(school_login from '^[^0-9]*')) as family,
    substring(school_login from '[0-9]+$') as digits
from register_row
left join seeds.login_prefix as prefix on prefix.prefix = substring(school_login from '^[^0-9]*')
where school_login is not null;
create index on register_login (login);
create index on register_login (digits);

create temp table register_code as
select distinct school_code as code from register_row where school_code is not null;
create index on register_code (code);

-- Keys that people have decided on: they name a school, or one that no register has.
create temp table decided_key as
select key_kind, school_key, municipality
from (
    select distinct on (key_kind, school_key, municipality) *
    from ops.school_decision
    order by key_kind, school_key, municipality, decision_id desc
) as decided
where
    decision = 'new'
    or (
        decision = 'school'
        and (target_key in (select code from register_code) or target_key in (select login from register_login))
    );

create temp table register_name as
select distinct pg_temp.fold_name(name) as name, municipality
from register_row, lateral (values (full_name), (short_name)) as names (name)
where name is not null;
create index on register_name (name);

create temp table municipality_in_force as
select distinct pg_temp.whole(municipality_code)::text as code, pg_temp.whole(ate_code)::text as ate_code
from landing.municipality inner join ops.source_part as part using (part_id)
where part.in_force and municipality_code is not null and not pg_temp.is_rejected(part_id, row_no);

create temp table ate_in_force as
select distinct pg_temp.whole(ate_code)::text as code
from landing.ate inner join ops.source_part as part using (part_id)
where part.in_force and ate_code is not null and not pg_temp.is_rejected(part_id, row_no);

-- Is a school known? Null where no register has keys of the kind (then the results introduce the school themselves)
-- and for a key that is not one.
-- The same rule as the star's: the login itself, its family with the same digits, or digits that only one login has.
create function pg_temp.login_known(x text) returns boolean language sql stable as $$
    select case
        when exists (select 1 from decided_key where key_kind = 'login' and school_key = lower(x)) then true
        when not exists (select 1 from register_login) or x !~ '^[A-Za-z]+[0-9]+$' then null
        when exists (select 1 from register_login where login = lower(x)) then true
        when (
            select count(*) from register_login
            where digits = substring(x from '[0-9]+$')
                and family = coalesce(
                    (select family from seeds.login_prefix where prefix = substring(lower(x) from '^[^0-9]*')),
                    substring(lower(x) from '^[^0-9]*')
                )
        ) > 0 then true
        else (select count(distinct family) from register_login where digits = substring(x from '[0-9]+$')) = 1
    end
$$;

create function pg_temp.code_known(x text) returns boolean language sql stable as $$
    select case
        when not exists (select 1 from register_code) or pg_temp.code6(x) !~ '^[0-9]{6}$' then null
        else exists (select 1 from register_code where code = pg_temp.code6(x))
            or exists (select 1 from decided_key where key_kind = 'code' and school_key = pg_temp.code6(x))
    end
$$;
