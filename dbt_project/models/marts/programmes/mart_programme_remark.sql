-- What does not agree: in the documents themselves, and between them and the registers. Built anew each time.
with

written as (

    select
        programme_code,
        'document' as remark_kind,
        remark_code,
        remark,
        quote,
        quote_source
    from {{ ref('programme_remark') }}

),

place as (

    select * from {{ ref('int_programme_place') }}

),

-- A school that a document names in its plan and not in its list.
not_on_the_list as (

    select distinct
        place.programme_code,
        'document' as remark_kind,
        'named_outside_the_list' as remark_code,
        'Пункт ' || place.indicator_code || ' называет ' || place.name
        || ', а в списке программы этой школы нет. В показателе пункта она считается, в составе программы — нет.'
            as remark,
        place.name as quote,
        place.quote_source
    from {{ ref('programme_place') }} as place
    where
        place.place_kind = 'item'
        and exists (
            select 1 from {{ ref('programme_place') }} as listed
            where listed.programme_code = place.programme_code and listed.place_kind = 'member'
        )
        and not exists (
            select 1 from {{ ref('programme_place') }} as listed
            where
                listed.programme_code = place.programme_code
                and listed.place_kind = 'member'
                and listed.name_pattern = place.name_pattern
        )

),

member as (

    select distinct
        programme_code,
        school_id
    from {{ ref('fct_membership') }}
    where role = 'участник'

),

of_members as (

    select distinct programme_code from member

),

not_found as (

    select distinct
        place.programme_code,
        'register' as remark_kind,
        'named_not_found' as remark_code,
        case
            when place.place_kind = 'municipality'
                then 'Муниципалитета, названного «' || place.name || '», в реестре муниципалитетов нет.'
            when place.n_found > 1
                then
                    'Название ' || place.name || ' подходит к нескольким школам реестра: какая это школа, скажет '
                    || 'вариант наименования.'
            else
                'Школы ' || place.name || ' в реестре нет. Если она записана иначе, добавьте вариант наименования.'
        end as remark,
        place.name as quote,
        place.quote_source
    from place
    inner join of_members on place.programme_code = of_members.programme_code
    where place.school_id is null and place.municipality_code is null

),

named_not_member as (

    select
        place.programme_code,
        'register' as remark_kind,
        'named_not_included' as remark_code,
        'Школа списка ' || place.name || ' в реестре участников не значится.' as remark,
        place.name as quote,
        place.quote_source
    from place
    inner join of_members on place.programme_code = of_members.programme_code
    left join member on place.programme_code = member.programme_code and place.school_id = member.school_id
    where place.place_kind = 'member' and place.school_id is not null and member.school_id is null

),

school as (

    select
        school_id,
        school_code,
        coalesce(short_name, name) as school_name,
        municipality_code
    from {{ ref('dim_school') }}
    where is_current

),

listed_municipality as (

    select
        place.programme_code,
        'register' as remark_kind,
        'not_one_school_each' as remark_code,
        'Муниципалитет «' || place.name || '»: школ-участников ' || count(member.school_id)
        || ', а должна быть одна.' as remark,
        place.name as quote,
        place.quote_source
    from place
    left join school on place.municipality_code = school.municipality_code
    left join member on place.programme_code = member.programme_code and school.school_id = member.school_id
    where place.place_kind = 'municipality' and place.municipality_code is not null
    group by place.programme_code, place.name, place.quote_source
    having count(member.school_id) <> 1

),

unknown_item as (

    select distinct
        programme_code,
        'register' as remark_kind,
        'item_unknown' as remark_code,
        'Пункта «' || written_code || '» в плане программы нет, или номер стоит дважды и по наименованию не узнать, '
        || 'какой это пункт.' as remark,
        cast(null as text) as quote,
        cast(null as text) as quote_source
    from {{ ref('int_plan_item') }}
    where
        not is_known_item
        and subprogramme_no is null
        and programme_code in (select planned.programme_code from {{ ref('programme_plan_item') }} as planned)

),

final as (

    select * from written
    union all
    select * from not_on_the_list
    union all
    select * from not_found
    union all
    select * from named_not_member
    union all
    select * from listed_municipality
    union all
    select * from unknown_item

)

select
    final.programme_code,
    programme.short_title as programme_title,
    final.remark_kind,
    final.remark_code,
    final.remark,
    final.quote,
    final.quote_source
from final
left join {{ ref('programme') }} as programme on final.programme_code = programme.programme_code
