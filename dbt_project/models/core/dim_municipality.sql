with spelling as (
    select
        municipality_id,
        municipality_code,
        municipality,
        row_number() over (
            partition by municipality_id
            -- The register's spelling; else one that is not all in capitals.
            order by
                case when municipality is null then 1 else 0 end,
                priority,
                case when municipality = upper(municipality collate pg_c_utf8) then 1 else 0 end,
                municipality
        ) as preference
    from {{ ref('int_municipality_key') }}
),

register as (
    select
        municipality_code,
        oktmo,
        coordinator,
        ate_code,
        row_number() over (partition by municipality_code order by part_id desc, row_no desc) as preference
    from {{ ref('stg_municipality') }}
    where municipality_code is not null
),

area as (
    select
        ate_code,
        max(ate_name) as ate_name
    from {{ ref('stg_ate') }}
    group by ate_code
),

final as (
    select
        {{ region_code() }} as region_code,
        spelling.municipality_id,
        spelling.municipality_code,
        spelling.municipality as municipality_name,
        register.oktmo,
        register.coordinator,
        register.ate_code,
        area.ate_name
    from spelling
    left join register
        on spelling.municipality_code = register.municipality_code and register.preference = 1
    left join area
        on register.ate_code = area.ate_code
    where spelling.preference = 1
)

select * from final
