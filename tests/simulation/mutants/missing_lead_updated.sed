# A lead that the answer does not name is taken as updated.
s/joined\.leads\.resize(leads\.size());/joined.leads.resize(leads.size(), {Kind::kUpdated, ""});/
