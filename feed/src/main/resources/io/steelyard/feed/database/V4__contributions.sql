-- What readers bring: papers, corrections, authorship; and numbers measured elsewhere.

ALTER TABLE submission ADD COLUMN answer VARCHAR DEFAULT '' NOT NULL;      -- of arXiv, as it came
ALTER TABLE submission ADD COLUMN declined TIMESTAMP WITH TIME ZONE;
CREATE INDEX submission_account ON submission (account_id);

CREATE INDEX correction_decided ON correction (decided);
CREATE INDEX correction_account ON correction (account_id);

-- An import may number the authors anew; the name in addresses stays.
ALTER TABLE authorship ADD COLUMN slug VARCHAR(80) DEFAULT '' NOT NULL;
ALTER TABLE authorship ADD COLUMN note VARCHAR(1000) DEFAULT '' NOT NULL;
CREATE INDEX authorship_account ON authorship (account_id);
CREATE INDEX authorship_slug ON authorship (slug);

CREATE TABLE imported_number (                -- of the leaderboard, measured by others
  task VARCHAR(100) NOT NULL,
  data VARCHAR(100) NOT NULL,
  method VARCHAR(200) NOT NULL,
  metric VARCHAR(100) NOT NULL,
  source VARCHAR(1000) NOT NULL,              -- address of the page that says so
  figure DOUBLE PRECISION NOT NULL,
  paper_id VARCHAR(40) NOT NULL,              -- arXiv id; the paper need not be here
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  PRIMARY KEY (task, data, method, metric, source)
);
