-- The programmes, with what their documents name: stages, subprogrammes, municipalities, mentors, schools.
with

stage as (

    select
        programme_code,
        jsonb_agg(
            jsonb_build_object('no', stage_no, 'title', title, 'from', date_from, 'to', date_to) order by stage_no
        ) as stages
    from {{ ref('programme_stage') }}
    group by programme_code

),

subprogramme as (

    select
        programme_code,
        jsonb_agg(jsonb_build_object('no', subprogramme_no, 'title', title) order by subprogramme_no)
            as subprogrammes
    from {{ ref('programme_subprogramme') }}
    group by programme_code

),

place as (

    select
        programme_code,
        jsonb_agg(name order by name) filter (where place_kind = 'municipality') as municipalities,
        jsonb_agg(name order by name) filter (where place_kind = 'mentor') as mentors,
        jsonb_agg(name order by name) filter (where place_kind = 'member') as schools
    from {{ ref('programme_place') }}
    group by programme_code

)

select
    programme.programme_code,
    programme.title,
    programme.short_title,
    programme.short_title as programme_title,
    programme.territory,
    programme.territory_kind,
    programme.year_from,
    programme.year_to,
    programme.date_from,
    programme.date_to,
    coalesce(stage.stages, '[]') as stages,
    coalesce(subprogramme.subprogrammes, '[]') as subprogrammes,
    coalesce(place.municipalities, '[]') as municipalities,
    coalesce(place.mentors, '[]') as mentors,
    coalesce(place.schools, '[]') as schools,
    programme.list_methods,
    programme.pd_min_hours,
    programme.pd_required,
    programme.pd_positions,
    programme.partner_target,
    programme.source_document,
    programme.source
from {{ ref('programme') }} as programme
left join stage on programme.programme_code = stage.programme_code
left join subprogramme on programme.programme_code = subprogramme.programme_code
left join place on programme.programme_code = place.programme_code
