# A lead in doubt gives its lane away before it is sent again.
s/^  lead->state = QueuedLead::State::kBackoff;/  QueuedLead* const after = lanes_.Leave(lead);\n  if (after != nullptr \&\& after->state == QueuedLead::State::kBlocked) {\n    MakeEligible(after, now);\n  }\n  lanes_.Enter(lead);\n&/
