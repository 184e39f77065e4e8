-- Readers of one municipality: written by `ravenstvo reader`, read by the rules of rows (dbt's macro guard_rows).
create table ops.reader (
  login text primary key,
  municipality_code text not null,
  added_by text not null,
  added_at timestamptz not null default now()
);
comment on table ops.reader is 'Пользователи базы, которые видят строки одного муниципалитета';
comment on column ops.reader.login is 'Пользователь базы';
comment on column ops.reader.municipality_code is 'Муниципалитет';
comment on column ops.reader.added_by is 'Кто завёл';
comment on column ops.reader.added_at is 'Когда';

-- One row about whoever asks. Rules of rows hold it by its number, so nobody but them needs to see the schema.
create view ops.reader_scope with (security_barrier) as
select
  exists (
    select 1 from pg_catalog.pg_roles as held
    where
      (
        held.rolname in ('bi_reader', 'transformer')
        or held.oid = (select relowner from pg_catalog.pg_class where oid = 'ops.reader'::regclass)
      )
      and pg_catalog.pg_has_role(current_user, held.oid, 'usage')
  ) as sees_all,
  (select municipality_code from ops.reader where login = current_user) as municipality_code;
comment on view ops.reader_scope is 'Что видит тот, кто спрашивает';
comment on column ops.reader_scope.sees_all is 'Видит все строки витрин';
comment on column ops.reader_scope.municipality_code is 'Муниципалитет, строки которого видит';

-- Their bodies are text: a mart that is built anew is another table, and takes nothing with it. They run with the
-- rights of whoever asks, whose rows of these marts are its own municipality's.
set local check_function_bodies = off;
create function ops.own_municipality_name() returns text language sql stable as
$$ select max(municipality_name) from marts.dim_municipality $$;
create function ops.own_schools() returns setof text language sql stable as
$$ select school_id from marts.dim_school $$;
revoke execute on function ops.own_municipality_name(), ops.own_schools() from public;

-- Keys of the pseudonyms: which one the rows of landing are made with. The keys themselves are no part of the database.
create table ops.pseudonym_key (
  version int primary key check (version > 0),
  fingerprint text not null unique,
  made_by text not null,
  reason text not null,
  made_at timestamptz not null default now()
);
comment on table ops.pseudonym_key is 'Ключи псевдонимов: отпечатки, не сами ключи; действует наибольшая версия';
comment on column ops.pseudonym_key.version is 'Версия ключа';
comment on column ops.pseudonym_key.fingerprint is 'Отпечаток: по нему узнают ключ, но не восстанавливают';
comment on column ops.pseudonym_key.made_by is 'Кто ввёл ключ в действие';
comment on column ops.pseudonym_key.reason is 'Почему';
comment on column ops.pseudonym_key.made_at is 'Когда';

-- What lies encrypted in the archive outside the database.
create table vault.original (
  file_id bigint primary key references ops.source_file,
  sha256 text not null unique,
  size_bytes bigint not null,
  stored_bytes bigint not null,
  key_fingerprint text not null,
  archived_at timestamptz not null default now(),
  removed_at timestamptz
);
comment on table vault.original is 'Исходные файлы в зашифрованном архиве вне базы';
comment on column vault.original.file_id is 'Файл (ops.source_file)';
comment on column vault.original.sha256 is 'Отпечаток содержимого; под ним файл лежит в архиве';
comment on column vault.original.size_bytes is 'Размер исходного файла, байт';
comment on column vault.original.stored_bytes is 'Размер в архиве, байт';
comment on column vault.original.key_fingerprint is 'Отпечаток ключа архива';
comment on column vault.original.archived_at is 'Когда помещён в архив';
comment on column vault.original.removed_at is 'Когда удалён по сроку хранения';

create table vault.deid_run (
  file_id bigint not null references ops.source_file,
  key_version int not null,
  n_records bigint not null,
  happened_at timestamptz not null default now()
);
create index deid_run_file on vault.deid_run (file_id);
comment on table vault.deid_run is 'Обезличивание: какой файл, каким ключом, сколько записей';
comment on column vault.deid_run.file_id is 'Файл (ops.source_file)';
comment on column vault.deid_run.key_version is 'Версия ключа псевдонимов';
comment on column vault.deid_run.n_records is 'Записей загружено';
comment on column vault.deid_run.happened_at is 'Когда';

create table ops.vault_access (
  access_id bigint primary key,
  happened_at timestamptz not null,
  action text not null check (action in ('restore', 'expire', 'rotate_key', 'add_reader', 'remove_reader')),
  person text not null check (person <> ''),
  login text not null,
  machine_user text not null,
  file_id bigint,
  sha256 text,
  reason text not null check (reason <> ''),
  previous_hash text not null,
  entry_hash text not null
);
comment on table ops.vault_access is 'Журнал: кто и почему открывал исходные файлы, менял ключ и круг читателей; только дополняется';
comment on column ops.vault_access.access_id is 'Номер записи, без пропусков';
comment on column ops.vault_access.happened_at is 'Когда';
comment on column ops.vault_access.action is
  'restore — файл расшифрован, expire — удалён по сроку, rotate_key — новый ключ псевдонимов, '
  'add_reader и remove_reader — читатель заведён и убран';
comment on column ops.vault_access.person is 'Кто, как назвался';
comment on column ops.vault_access.login is 'Пользователь базы';
comment on column ops.vault_access.machine_user is 'Пользователь машины';
comment on column ops.vault_access.file_id is 'Файл (ops.source_file)';
comment on column ops.vault_access.sha256 is 'Отпечаток файла';
comment on column ops.vault_access.reason is 'Почему';
comment on column ops.vault_access.previous_hash is 'Отпечаток предыдущей записи; у первой пусто';
comment on column ops.vault_access.entry_hash is 'Отпечаток этой записи вместе с предыдущим';

-- What an entry's fingerprint is made of: the trigger writes it, `ravenstvo audit` makes it again.
create function ops.vault_access_hash(entry ops.vault_access) returns text language sql immutable as $$
  select encode(sha256(convert_to(jsonb_build_array(
    entry.previous_hash, entry.access_id, extract(epoch from entry.happened_at), entry.action, entry.person,
    entry.login, entry.machine_user, entry.file_id, entry.sha256, entry.reason
  )::text, 'UTF8')), 'hex')
$$;

-- With the owner's rights: who adds an entry need not be able to read the others. Number, time, user and fingerprints
-- are not the writer's to choose.
create function ops.chain_vault_access() returns trigger language plpgsql security definer
set search_path = pg_catalog as $$
declare
  last record;
begin
  perform pg_advisory_xact_lock(hashtext('ops.vault_access'));
  select access_id, entry_hash into last from ops.vault_access order by access_id desc limit 1;
  new.access_id := coalesce(last.access_id, 0) + 1;
  new.happened_at := clock_timestamp();
  new.login := session_user;
  new.previous_hash := coalesce(last.entry_hash, '');
  new.entry_hash := '';
  new.entry_hash := ops.vault_access_hash(new);
  return new;
end $$;
create trigger chain before insert on ops.vault_access
for each row execute function ops.chain_vault_access();

create function ops.keep_vault_access() returns trigger language plpgsql as $$
begin
  raise exception using
    errcode = 'restrict_violation',
    message = 'Журнал доступа только дополняется: его записи нельзя изменить или удалить';
end $$;
create trigger keep before update or delete or truncate on ops.vault_access
for each statement execute function ops.keep_vault_access();
