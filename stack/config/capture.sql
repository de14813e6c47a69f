-- What change data capture needs in a database of BOS, once its tables exist. Runs again without harm.
CREATE TABLE IF NOT EXISTS dbz_signal (id varchar(64) PRIMARY KEY, type varchar(32) NOT NULL, data varchar(2048));

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_publication WHERE pubname = 'daybook') THEN
    -- [publication]
    CREATE PUBLICATION daybook FOR TABLE
      clients_client, core_address, core_bank, core_bankaccount,
      beneficiaries_beneficiary, beneficiaries_alias, beneficiaries_email, beneficiaries_regulatory,
      dbz_signal;
    -- [publication]
  END IF;
END $$;
