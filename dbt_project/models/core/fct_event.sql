{{ config(indexes=[{'columns': ['event_code'], 'unique': true}]) }}

with source as (
    select * from {{ ref('stg_event') }}
),

resolved as (
    select
        source.event_code,
        source.held_on,
        level_listed.value as level,
        kind_listed.value as kind,
        source.topic,
        source.organiser,
        programme.programme_code,
        source.file_id,
        source.part_id,
        source.row_no,
        -- Of two rows with one key, the later file is right.
        row_number() over (
            partition by source.event_code
            order by source.part_id desc, source.row_no desc
        ) as preference
    from source
    left join {{ ref('int_programme_key') }} as programme
        on {{ fold_name('source.programme') }} = programme.name_folded
    {{ join_list('level', 'level') }}
    {{ join_list('kind', 'event_kind') }}
    -- What names a school or a programme that is not known must not pass for all of them.
    where source.programme is null or programme.programme_code is not null
)

select
    {{ region_code() }} as region_code,
    event_code,
    held_on,
    level,
    kind,
    topic,
    organiser,
    programme_code,
    file_id,
    part_id,
    row_no
from resolved
where preference = 1
