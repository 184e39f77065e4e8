-- What the shared warehouse knows of itself; the tables of the regions are made from their documents.
create schema if not exists national;
revoke all on schema national from public;
comment on schema national is 'Факты, измерения и витрины всех регионов';

create table if not exists national.collection (
  region_code text primary key check (region_code ~ '^[0-9]{2}$'),
  warehouse text not null,
  calculation_id text not null,
  code_version text not null,
  n_rows bigint not null,
  collected_at timestamptz not null default now()
);
comment on table national.collection is 'Что из какого региона собрано';
comment on column national.collection.region_code is 'Регион';
comment on column national.collection.warehouse is 'Отпечаток хранилища региона: чужое под тем же кодом не принимают';
comment on column national.collection.calculation_id is 'Последний законченный расчёт региона';
comment on column national.collection.code_version is 'Версия программы, которой он посчитан';
comment on column national.collection.n_rows is 'Строк во всех таблицах';
comment on column national.collection.collected_at is 'Когда собрано';

create table if not exists national.reader (
  login text primary key,
  region_code text check (region_code ~ '^[0-9]{2}$')
);
comment on table national.reader is 'Пользователи базы, которые читают общее хранилище';
comment on column national.reader.login is 'Пользователь базы';
comment on column national.reader.region_code is 'Регион, строки которого видит; пусто — все регионы';

create table if not exists national.reader_change (
  change_id bigint generated always as identity primary key,
  login text not null,
  region_code text,
  action text not null check (action in ('add', 'remove')),
  changed_by text not null check (changed_by <> ''),
  reason text not null check (reason <> ''),
  changed_at timestamptz not null default now()
);
comment on table national.reader_change is 'Кто и почему завёл и убрал читателей';
comment on column national.reader_change.change_id is 'Номер';
comment on column national.reader_change.login is 'Пользователь базы';
comment on column national.reader_change.region_code is 'Регион; пусто — все регионы';
comment on column national.reader_change.action is 'add — заведён или получил новый пароль, remove — убран';
comment on column national.reader_change.changed_by is 'Кто';
comment on column national.reader_change.reason is 'Почему';
comment on column national.reader_change.changed_at is 'Когда';

-- One row about whoever asks: the rules of rows look it up once a query. It shows its reader's own region only.
create or replace view national.reader_scope with (security_barrier) as
select (select region_code from national.reader where login = current_user) as region_code;
comment on view national.reader_scope is 'Регион того, кто спрашивает';
comment on column national.reader_scope.region_code is 'Регион, строки которого видит; пусто — никакого';
