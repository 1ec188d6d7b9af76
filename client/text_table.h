#ifndef LEADGATEWAY_CLIENT_TEXT_TABLE_H_
#define LEADGATEWAY_CLIENT_TEXT_TABLE_H_

#include <string>
#include <vector>

namespace leadgateway::leadctl {

// Lays rows out in columns, two spaces apart. Widths count characters of UTF-8,
// each as one column of the terminal. Columns named in `right` (from 0) are
// aligned to the right. Each line ends in "\n" and has no trailing spaces.
std::string TextTable(const std::vector<std::vector<std::string>>& rows,
                      const std::vector<std::size_t>& right = {});

}  // namespace leadgateway::leadctl

#endif  // LEADGATEWAY_CLIENT_TEXT_TABLE_H_
