-- With which account at its service an integration is connected, and the hash of the attempt to connect it.
alter table integration_enablement add column sealed_connection text;
alter table integration_enablement add column connection_attempt text;
