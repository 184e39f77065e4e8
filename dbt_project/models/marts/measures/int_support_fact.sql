-- What has been done for schools, one row for each thing done: the registers of support in one shape.
{{ config(materialized='table', post_hook='analyze {{ this }}', indexes=[{'columns': ['fact']}]) }}

with

-- Partners that the register of schools calls leaders or innovation sites. A register that calls nobody so leaves it to
-- the agreement.
partner as (

    select
        school_id,
        is_leader,
        is_innovation_site
    from {{ ref('dim_school') }}
    where is_current

),

register as (

    select coalesce(bool_or(is_leader or is_innovation_site), false) as names_leaders from partner

),

agreement as (

    select
        agreement.*,
        case
            when register.names_leaders then coalesce(partner.is_leader, false)
            else coalesce(agreement.partner_kind = 'школа-лидер', false)
        end as is_leader,
        case
            when register.names_leaders then coalesce(partner.is_innovation_site, false)
            else coalesce(agreement.partner_kind = 'инновационная площадка', false)
        end as is_innovation_site
    from {{ ref('fct_agreement') }} as agreement
    cross join register
    left join partner on agreement.partner_id = partner.school_id
    where
        agreement.signed_on is not null
        and agreement.school_id is distinct from agreement.partner_id
        and (
            agreement.status = 'подписан'
            or (agreement.status = 'расторгнут' and agreement.terminated_on is not null)
        )
        -- An agreement that was ended before it began was never in force.
        and coalesce(
            greatest(agreement.valid_from, agreement.signed_on) <= least(agreement.valid_to, agreement.terminated_on),
            true
        )

),

agreement_tagged as (

    select
        *,
        -- Two schools may each have a «№ 1»; a three-party paper has one number and one day.
        concat_ws(
            '|',
            coalesce({{ fold('agreement_no') }}, school_code || ' ' || coalesce(partner_code, partner_name)),
            signed_on
        ) as agreement_key,
        array_remove(
            array[
                case when is_leader or is_innovation_site then 'leader' end,
                case when is_innovation_site then 'innovation' end
            ],
            null
        ) as tags
    from agreement

),

association as (

    select
        *,
        coalesce(name, '') || '|' || coalesce(school_code, municipality_code, '') as association_key
    from {{ ref('fct_association') }}

),

document as (

    select
        *,
        concat_ws('|', kind, number, dated_on, name, school_code, municipality_code) as document_key,
        dated_on is not null and number is not null as is_adopted
    from {{ ref('fct_document') }}

),

event as (

    select * from {{ ref('fct_event') }}

),

subprogramme as (

    select
        programme_code,
        subprogramme_no,
        {{ fold_name('title') }} as title_folded
    from {{ ref('programme_subprogramme') }}

),

pd as (

    select
        pd.*,
        named.programme_code || ':' || named.subprogramme_no as named_subprogramme
    from {{ ref('fct_pd_record') }} as pd
    -- Named by its title, or by its number among words such as «подпрограмма 4».
    left join subprogramme as named
        on
            {{ fold_name('pd.subprogramme') }} = named.title_folded
            or substring(pd.subprogramme from '([0-9]+)\D*$') = cast(named.subprogramme_no as text)
    where pd.is_finished

),

standard as (

    select
        school_id,
        min(municipality_code) as municipality_code,
        max(coalesce(done_on, due_on)) as known_on,
        min(part_id) as part_id,
        min(row_no) as row_no
    from {{ ref('fct_facility') }}
    where meets_standard is not null
    group by school_id
    having bool_and(meets_standard)

),

-- fact, programme, school, municipality, person, object, kind, level, label, tags, day, from, to, year, partner,
-- amount, subprogramme, source, part, row
final as (

    select
        'agreement' as fact,
        programme_code,
        school_id,
        municipality_code,
        cast(null as text) as person_id,
        agreement_key as object_key,
        partner_kind as kind,
        cast(null as text) as level,
        cast(null as text) as label,
        tags,
        cast(null as date) as happened_on,
        greatest(valid_from, signed_on) as valid_from,
        least(valid_to, terminated_on) as valid_to,
        cast(null as integer) as year,
        partner_id,
        cast(null as numeric) as amount,
        cast(null as text) as subprogramme,
        'agreement' as source,
        part_id,
        row_no
    from agreement_tagged
    union all
    select
        'signed',
        programme_code,
        school_id,
        municipality_code,
        null,
        agreement_key,
        partner_kind,
        null,
        null,
        tags,
        signed_on,
        null,
        least(valid_to, terminated_on),
        null,
        partner_id,
        null,
        null,
        'agreement',
        part_id,
        row_no
    from agreement_tagged
    union all
    select
        'event',
        programme_code,
        null,
        null,
        null,
        event_code,
        kind,
        level,
        {{ fold('topic') }},
        '{}',
        held_on,
        null,
        null,
        null,
        null,
        null,
        null,
        'event',
        part_id,
        row_no
    from event
    union all
    select
        'participation',
        event.programme_code,
        who.school_id,
        who.municipality_code,
        who.person_id,
        event.event_code,
        event.kind,
        event.level,
        {{ fold('who.role') }},
        '{}',
        event.held_on,
        null,
        null,
        null,
        null,
        null,
        null,
        'event_participant',
        who.part_id,
        who.row_no
    from {{ ref('fct_event_participant') }} as who
    inner join event on who.event_code = event.event_code
    union all
    select
        'service',
        programme_code,
        school_id,
        municipality_code,
        person_id,
        part_id || ':' || row_no,
        kind,
        null,
        null,
        array_remove(
            array[
                case when school_id is not null then 'to_school' end,
                -- A service to a municipality's own people names no school.
                case when school_id is null and municipality_code is not null then 'to_municipality' end,
                case when person_id is not null then 'to_person' end
            ],
            null
        ),
        served_on,
        null,
        null,
        null,
        null,
        null,
        null,
        'service',
        part_id,
        row_no
    from {{ ref('fct_service') }}
    union all
    select
        'monitoring',
        null,
        school_id,
        municipality_code,
        null,
        part_id || ':' || row_no,
        component,
        null,
        null,
        '{}',
        held_on,
        null,
        null,
        null,
        null,
        score,
        null,
        'quality_monitoring',
        part_id,
        row_no
    from {{ ref('fct_quality_monitoring') }}
    where is_complete
    union all
    select
        'association',
        null,
        school_id,
        municipality_code,
        null,
        association_key,
        kind,
        level,
        null,
        '{}',
        null,
        null,
        null,
        year,
        null,
        meetings,
        null,
        'association',
        part_id,
        row_no
    from association
    where meetings > 0 and extract(year from ordered_on) <= year
    union all
    select
        'association_created',
        null,
        school_id,
        municipality_code,
        null,
        association_key,
        kind,
        level,
        null,
        '{}',
        ordered_on,
        null,
        null,
        null,
        null,
        null,
        null,
        'association',
        part_id,
        row_no
    from association
    where ordered_on is not null
    union all
    select
        'infrastructure',
        null,
        null,
        municipality_code,
        null,
        coalesce(municipality_code, level),
        null,
        level,
        null,
        array_remove(array[case when has_contact then 'contact' end], null),
        null,
        null,
        null,
        year,
        null,
        services,
        null,
        'infrastructure',
        part_id,
        row_no
    from {{ ref('fct_infrastructure') }}
    where services > 0 and extract(year from ordered_on) <= year
    union all
    select
        case when is_adopted then 'document' else 'document_planned' end,
        programme_code,
        school_id,
        municipality_code,
        null,
        document_key,
        kind,
        level,
        {{ fold('name') }},
        array_remove(array[case when school_id is null then 'not_of_school' end], null),
        dated_on,
        null,
        null,
        null,
        null,
        null,
        null,
        'document',
        part_id,
        row_no
    from document
    union all
    select
        'document_planned',
        programme_code,
        school_id,
        municipality_code,
        null,
        document_key,
        kind,
        level,
        {{ fold('name') }},
        '{}',
        dated_on,
        null,
        null,
        null,
        null,
        null,
        null,
        'document',
        part_id,
        row_no
    from document
    where is_adopted
    union all
    select
        'contest',
        null,
        school_id,
        municipality_code,
        null,
        {{ fold('name') }},
        result,
        level,
        {{ fold('name') }},
        '{}',
        held_on,
        null,
        null,
        null,
        null,
        null,
        null,
        'contest',
        part_id,
        row_no
    from {{ ref('fct_contest') }}
    union all
    select
        'practice',
        null,
        school_id,
        municipality_code,
        null,
        school_id || '|' || {{ fold('name') }},
        null,
        null,
        {{ fold('name') }},
        '{}',
        approved_on,
        null,
        null,
        null,
        null,
        null,
        null,
        'practice',
        part_id,
        row_no
    from {{ ref('fct_practice') }}
    where approved_on is not null
    union all
    select
        'facility',
        null,
        school_id,
        municipality_code,
        null,
        part_id || ':' || row_no,
        work_kind,
        null,
        null,
        '{}',
        done_on,
        null,
        null,
        null,
        null,
        null,
        null,
        'facility',
        part_id,
        row_no
    from {{ ref('fct_facility') }}
    where done_on is not null
    union all
    select
        'facility_planned',
        null,
        school_id,
        municipality_code,
        null,
        part_id || ':' || row_no,
        work_kind,
        null,
        null,
        '{}',
        coalesce(due_on, done_on),
        null,
        null,
        null,
        null,
        null,
        null,
        'facility',
        part_id,
        row_no
    from {{ ref('fct_facility') }}
    union all
    select
        'standard_met',
        null,
        school_id,
        municipality_code,
        null,
        school_id as object_key,
        null,
        null,
        null,
        '{}',
        known_on,
        null,
        null,
        null,
        null,
        null,
        null,
        'facility',
        part_id,
        row_no
    from standard
    union all
    select
        'satisfaction',
        null,
        school_id,
        municipality_code,
        null,
        school_id || '|' || surveyed_on,
        null,
        null,
        null,
        '{}',
        surveyed_on,
        null,
        null,
        null,
        null,
        score,
        null,
        'satisfaction',
        part_id,
        row_no
    from {{ ref('fct_satisfaction') }}
    union all
    select
        'self_assessment',
        null,
        school_id,
        municipality_code,
        null,
        aspect.folded,
        aspect.folded as kind,
        null,
        {{ fold('level') }},
        '{}',
        null,
        null,
        null,
        year,
        null,
        score,
        null,
        'self_assessment',
        part_id,
        row_no
    from {{ ref('fct_self_assessment') }}
    -- «Школьная культура» and «культура» are one aspect.
    cross join lateral (values (regexp_replace({{ fold('aspect') }}, '^школьн\S+ ', ''))) as aspect (folded)
    union all
    select
        'staffing',
        null,
        school_id,
        municipality_code,
        null,
        position,
        position as kind,
        null,
        null,
        '{}',
        null,
        null,
        null,
        year,
        null,
        positions_planned,
        null,
        'staffing',
        part_id,
        row_no
    from {{ ref('fct_staffing') }}
    where positions_planned > 0
    union all
    select
        case when approved.is_approved then 'transition' else 'transition_submitted' end,
        programme_code,
        school_id,
        municipality_code,
        null,
        school_id as object_key,
        null,
        null,
        null,
        array_remove(
            array[
                case when has_specialists then 'specialists' end,
                case when has_network then 'network' end,
                case when has_monitoring then 'monitoring' end,
                case when has_team_growth then 'growth' end,
                case when has_associations then 'associations' end,
                case when is_expertised then 'expertised' end
            ],
            null
        ),
        -- A programme that was only handed in has no day: it counts in every period.
        case when approved.is_approved then approved_on end,
        null,
        null,
        null,
        null,
        null,
        null,
        'transition_programme',
        part_id,
        row_no
    from {{ ref('fct_transition_programme') }}
    cross join lateral (values (true), (false)) as approved (is_approved)
    where not approved.is_approved or approved_on is not null
    union all
    select
        'plan',
        item.programme_code,
        item.school_id,
        item.municipality_code,
        null,
        item.part_id || ':' || item.row_no,
        item.item_code,
        null,
        {{ fold('item.name') }},
        array_remove(array[case when item.subprogramme_no is not null then 'subprogramme' end], null),
        item.done_on,
        null,
        null,
        null,
        null,
        null,
        item.programme_code || ':' || item.subprogramme_no,
        'plan_item',
        item.part_id,
        item.row_no
    from {{ ref('int_plan_item') }} as item
    where item.done_on is not null
    union all
    select
        'pd',
        null,
        pd.school_id,
        pd.municipality_code,
        pd.person_id,
        {{ fold('pd.course') }},
        pd.position,
        null,
        {{ fold("concat_ws(' ', pd.course, pd.topic)") }},
        array_remove(array[case when pd.named_subprogramme is not null then 'subprogramme' end], null),
        pd.finished_on,
        null,
        null,
        null,
        null,
        pd.hours,
        pd.named_subprogramme,
        'pd_record',
        pd.part_id,
        pd.row_no
    from pd
    union all
    select
        'deficit',
        null,
        school_id,
        municipality_code,
        person_id,
        deficit_code,
        stage,
        null,
        deficit_code as label,
        array_remove(array[case when is_found then 'found' end], null),
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        'deficit',
        part_id,
        row_no
    from {{ ref('fct_deficit') }}

)

select * from final
