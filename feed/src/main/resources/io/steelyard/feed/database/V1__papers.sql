-- Runs on H2 in PostgreSQL mode and on PostgreSQL. Days and times are in UTC.

CREATE TABLE paper (
  id VARCHAR(40) PRIMARY KEY,                 -- arXiv id without version
  version INTEGER NOT NULL,
  title VARCHAR NOT NULL,
  abstract VARCHAR NOT NULL,                  -- empty where the source has none
  summary VARCHAR NOT NULL,                   -- ours, empty if there is none
  author_count INTEGER NOT NULL,              -- may exceed the names that are known
  published TIMESTAMP WITH TIME ZONE NOT NULL,
  updated TIMESTAMP WITH TIME ZONE NOT NULL,
  featured DATE NOT NULL,                     -- the day it stands on the feed
  primary_category VARCHAR NOT NULL,
  categories VARCHAR NOT NULL,                -- separated by blanks
  comment VARCHAR NOT NULL,
  doi VARCHAR NOT NULL,
  journal VARCHAR NOT NULL,
  licence VARCHAR NOT NULL,
  withdrawn TIMESTAMP WITH TIME ZONE,
  stars INTEGER NOT NULL,                     -- of the code, as the source last said; -1 if unknown
  keywords VARCHAR NOT NULL,                  -- separated by commas
  origin VARCHAR NOT NULL,                    -- catalogue, arxiv, oai, hf, file, submission
  corrected VARCHAR NOT NULL,                 -- fields people have corrected: imports leave them alone
  changed TIMESTAMP WITH TIME ZONE NOT NULL
);
CREATE INDEX paper_featured ON paper (featured, published);
CREATE INDEX paper_published ON paper (published, id);
CREATE INDEX paper_changed ON paper (changed, id);

CREATE TABLE author (
  paper_id VARCHAR(40) NOT NULL REFERENCES paper (id) ON DELETE CASCADE,
  place INTEGER NOT NULL,
  name VARCHAR NOT NULL,
  slug VARCHAR NOT NULL,
  affiliation VARCHAR NOT NULL,
  PRIMARY KEY (paper_id, place)
);
CREATE INDEX author_slug ON author (slug);

CREATE TABLE link (
  paper_id VARCHAR(40) NOT NULL REFERENCES paper (id) ON DELETE CASCADE,
  url VARCHAR(1000) NOT NULL,
  kind VARCHAR(20) NOT NULL,                  -- code, project, model, dataset, space
  source VARCHAR(20) NOT NULL,                -- author, import, text, person
  PRIMARY KEY (paper_id, url)
);

CREATE TABLE import_run (
  source VARCHAR(200) PRIMARY KEY,            -- for example oai:cs:cs:LG
  position VARCHAR NOT NULL,                  -- where to go on: a resumption token, a date
  etag VARCHAR NOT NULL,
  last_modified VARCHAR NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  seen BIGINT NOT NULL,
  changed BIGINT NOT NULL
);
