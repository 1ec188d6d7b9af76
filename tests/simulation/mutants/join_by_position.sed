# Entries of the answer are joined to leads by their place in the list.
s/std::optional<int> lead = exact\.Find(entry\.value);/std::optional<int> lead; const auto place = static_cast<size_t>(\&entry - entries.data()); if (place < leads.size()) lead = static_cast<int>(place);/
