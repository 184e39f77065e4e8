-- Written by landing: a number in a spreadsheet loses the leading zeros of a code.
alter table ops.source_part add column restored_codes text[];
comment on column ops.source_part.restored_codes is 'Коды ОО, как написаны: без ведущих нулей, которые возвращены при загрузке';

-- Written by `ravenstvo schools decide`.
create table ops.school_decision (
  decision_id bigint generated always as identity primary key,
  key_kind text not null check (key_kind in ('code', 'login', 'name')),
  school_key text not null,
  municipality text not null default '',
  key_written text not null,
  municipality_written text not null default '',
  decision text not null check (decision in ('school', 'new', 'not_school', 'undone')),
  target_key text check ((decision = 'school') = (target_key is not null)),
  years int[],
  decided_by text not null,
  reason text not null,
  file_name text not null,
  file_sha256 text not null,
  decided_at timestamptz not null default now()
);
create index school_decision_key on ops.school_decision (key_kind, school_key, municipality);
comment on table ops.school_decision is 'Решения людей о ключах школ, которых файлы не объясняют; записи только добавляются, действует последняя о ключе';
comment on column ops.school_decision.decision_id is 'Номер записи';
comment on column ops.school_decision.key_kind is 'Вид ключа: code — код ОО, login — логин, name — название';
comment on column ops.school_decision.school_key is 'Ключ в одном написании: шесть цифр, строчные буквы, название без знаков';
comment on column ops.school_decision.municipality is 'Муниципалитет ключа-названия, в одном написании';
comment on column ops.school_decision.key_written is 'Ключ, как написан';
comment on column ops.school_decision.municipality_written is 'Муниципалитет, как написан';
comment on column ops.school_decision.decision is 'school — это известная школа, new — школа, которой в реестре нет, not_school — не школа, undone — прежнее решение отменено';
comment on column ops.school_decision.target_key is 'Код ОО или логин школы, о которой решено';
comment on column ops.school_decision.years is 'Годы, в файлах которых ключ встретился; пусто — и в сведениях без года, то есть касается всех лет';
comment on column ops.school_decision.decided_by is 'Кто решил';
comment on column ops.school_decision.reason is 'Почему';
comment on column ops.school_decision.file_name is 'Книга, из которой взято решение';
comment on column ops.school_decision.file_sha256 is 'Отпечаток книги';
comment on column ops.school_decision.decided_at is 'Когда';

create function ops.keep_school_decision() returns trigger language plpgsql as
$$ begin raise exception 'Решения о ключах школ только добавляются: отмените прежнее новым.'; end $$;
create trigger school_decision_is_kept before update or delete or truncate on ops.school_decision
  for each statement execute function ops.keep_school_decision();
