# Leads in flight of a request that is cancelled are forgotten.
/^void AccountDispatcher::EndAll(/,/^}/s/ReportDoubt(&lead, "");/lead.reported = true;/
