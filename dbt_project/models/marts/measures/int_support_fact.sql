-- What has been done for schools, one row for each thing done: the registers of support in one shape.
{{ config(indexes=[{'columns': ['fact']}]) }}

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
        {{ tags_where({'leader': 'is_leader or is_innovation_site', 'innovation': 'is_innovation_site'}) }} as tags
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

final as (

    select
        {{ support_fact(
            "'agreement'", 'agreement', programme_code='programme_code', object_key='agreement_key',
            kind='partner_kind', tags='tags', valid_from='greatest(valid_from, signed_on)',
            valid_to='least(valid_to, terminated_on)', partner_id='partner_id'
        ) }}
    from agreement_tagged
    union all
    select
        {{ support_fact(
            "'signed'", 'agreement', programme_code='programme_code', object_key='agreement_key', kind='partner_kind',
            tags='tags', happened_on='signed_on', valid_to='least(valid_to, terminated_on)', partner_id='partner_id'
        ) }}
    from agreement_tagged
    union all
    select
        {{ support_fact(
            "'event'", 'event', programme_code='programme_code', school_id='null', municipality_code='null',
            object_key='event_code', kind='kind', level='level', label=fold('topic'), happened_on='held_on'
        ) }}
    from event
    union all
    select
        {{ support_fact(
            "'participation'", 'event_participant', of='who', programme_code='event.programme_code',
            person_id='who.person_id', object_key='event.event_code', kind='event.kind', level='event.level',
            label=fold('who.role'), happened_on='event.held_on'
        ) }}
    from {{ ref('fct_event_participant') }} as who
    inner join event on who.event_code = event.event_code
    union all
    -- A service to a municipality's own people names no school.
    select
        {{ support_fact(
            "'service'", 'service', programme_code='programme_code', person_id='person_id', object_key=sheet_row(),
            kind='kind', happened_on='served_on',
            tags=tags_where({
                'to_school': 'school_id is not null',
                'to_municipality': 'school_id is null and municipality_code is not null',
                'to_person': 'person_id is not null',
            })
        ) }}
    from {{ ref('fct_service') }}
    union all
    select
        {{ support_fact(
            "'monitoring'", 'quality_monitoring', object_key=sheet_row(), kind='component', happened_on='held_on',
            amount='score'
        ) }}
    from {{ ref('fct_quality_monitoring') }}
    where is_complete
    union all
    select
        {{ support_fact(
            "'association'", 'association', object_key='association_key', kind='kind', level='level', year='year',
            amount='meetings'
        ) }}
    from association
    where meetings > 0 and extract(year from ordered_on) <= year
    union all
    select
        {{ support_fact(
            "'association_created'", 'association', object_key='association_key', kind='kind', level='level',
            happened_on='ordered_on'
        ) }}
    from association
    where ordered_on is not null
    union all
    select
        {{ support_fact(
            "'infrastructure'", 'infrastructure', school_id='null', object_key='coalesce(municipality_code, level)',
            level='level', tags=tags_where({'contact': 'has_contact'}), year='year', amount='services'
        ) }}
    from {{ ref('fct_infrastructure') }}
    where services > 0 and extract(year from ordered_on) <= year
    union all
    select
        {{ support_fact(
            "case when is_adopted then 'document' else 'document_planned' end", 'document',
            programme_code='programme_code', object_key='document_key', kind='kind', level='level',
            label=fold('name'), tags=tags_where({'not_of_school': 'school_id is null'}), happened_on='dated_on'
        ) }}
    from document
    union all
    select
        {{ support_fact(
            "'document_planned'", 'document', programme_code='programme_code', object_key='document_key', kind='kind',
            level='level', label=fold('name'), happened_on='dated_on'
        ) }}
    from document
    where is_adopted
    union all
    select
        {{ support_fact(
            "'contest'", 'contest', object_key=fold('name'), kind='result', level='level', label=fold('name'),
            happened_on='held_on'
        ) }}
    from {{ ref('fct_contest') }}
    union all
    select
        {{ support_fact(
            "'practice'", 'practice', object_key="school_id || '|' || " ~ fold('name'), label=fold('name'),
            happened_on='approved_on'
        ) }}
    from {{ ref('fct_practice') }}
    where approved_on is not null
    union all
    select
        {{ support_fact(
            "'facility'", 'facility', object_key=sheet_row(), kind='work_kind', happened_on='done_on'
        ) }}
    from {{ ref('fct_facility') }}
    where done_on is not null
    union all
    select
        {{ support_fact(
            "'facility_planned'", 'facility', object_key=sheet_row(), kind='work_kind',
            happened_on='coalesce(due_on, done_on)'
        ) }}
    from {{ ref('fct_facility') }}
    union all
    select
        {{ support_fact("'standard_met'", 'facility', object_key='school_id', happened_on='known_on') }}
    from standard
    union all
    select
        {{ support_fact(
            "'satisfaction'", 'satisfaction', object_key="school_id || '|' || surveyed_on", happened_on='surveyed_on',
            amount='score'
        ) }}
    from {{ ref('fct_satisfaction') }}
    union all
    select
        {{ support_fact(
            "'self_assessment'", 'self_assessment', object_key='aspect.folded', kind='aspect.folded',
            label=fold('level'), year='year', amount='score'
        ) }}
    from {{ ref('fct_self_assessment') }}
    -- «Школьная культура» and «культура» are one aspect.
    cross join lateral (values (regexp_replace({{ fold('aspect') }}, '^школьн\S+ ', ''))) as aspect (folded)
    union all
    select
        {{ support_fact(
            "'staffing'", 'staffing', object_key='position', kind='position', year='year', amount='positions_planned'
        ) }}
    from {{ ref('fct_staffing') }}
    where positions_planned > 0
    union all
    -- A programme that was only handed in has no day: it counts in every period.
    select
        {{ support_fact(
            "case when approved.is_approved then 'transition' else 'transition_submitted' end",
            'transition_programme', programme_code='programme_code', object_key='school_id',
            happened_on='case when approved.is_approved then approved_on end',
            tags=tags_where({
                'specialists': 'has_specialists',
                'network': 'has_network',
                'monitoring': 'has_monitoring',
                'growth': 'has_team_growth',
                'associations': 'has_associations',
                'expertised': 'is_expertised',
            })
        ) }}
    from {{ ref('fct_transition_programme') }}
    cross join lateral (values (true), (false)) as approved (is_approved)
    where not approved.is_approved or approved_on is not null
    union all
    select
        {{ support_fact(
            "'plan'", 'plan_item', of='item', programme_code='item.programme_code', object_key=sheet_row('item'),
            kind='item.item_code', label=fold('item.name'), happened_on='item.done_on',
            tags=tags_where({'subprogramme': 'item.subprogramme_no is not null'}),
            subprogramme="item.programme_code || ':' || item.subprogramme_no"
        ) }}
    from {{ ref('int_plan_item') }} as item
    where item.done_on is not null
    union all
    select
        {{ support_fact(
            "'pd'", 'pd_record', person_id='person_id', object_key=fold('course'), kind='position',
            label=fold("concat_ws(' ', course, topic)"), happened_on='finished_on', amount='hours',
            tags=tags_where({'subprogramme': 'named_subprogramme is not null'}), subprogramme='named_subprogramme'
        ) }}
    from pd
    union all
    select
        {{ support_fact(
            "'deficit'", 'deficit', person_id='person_id', object_key='deficit_code', kind='stage',
            label='deficit_code', tags=tags_where({'found': 'is_found'})
        ) }}
    from {{ ref('fct_deficit') }}

)

select * from final
