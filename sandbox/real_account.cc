// The field table of FieldCatalogue::RealAccount.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "sandbox/field_catalogue.h"

namespace leadgateway::sandbox {
namespace {

// SchemaName|DisplayName|DataType|RenderTypeTextValue|MaxLength|flags|options
// Flags: u unique, m mandatory, r read-only, n a number with RangeMin and
// RangeMax, 1 and 2 the value of LockAfterCreate.
constexpr absl::string_view kRows[] = {
    "ProspectID|Lead ID|Text|Textbox|200|umr",
    "ProspectAutoId|Lead Number|Text|Textbox|50|r",
    "FirstName|First Name|Text|Textbox|200|",
    "LastName|Last Name|Text|Textbox|200|",
    "EmailAddress|Email|Email|Email|200|u",
    "Phone|Phone Number|Phone|Phone|50|u",
    "Mobile|Mobile Number|Phone|Phone|50|u",
    "Company|Company|Text|Textbox|200|",
    "JobTitle|Job Title|Text|Textbox|200|",
    "Website|Website|Website|Website|200|",
    "Source|Lead Source|Select|Dropdown|200||Organic Search;Referral Si"
    "tes;Direct Traffic;Social Media;Inbound Email;Inbound Phone call;O"
    "utbound Phone call;Pay per Click Ads;Facebook;Google",
    "SourceCampaign|Source Campaign|Text|Textbox|200|",
    "SourceMedium|Source Medium|Text|Textbox|200|",
    "SourceContent|Source Content|Text|Textbox|200|",
    "SourceReferrer|Source Referrer|Text|Textbox|500|",
    "SourceReferrerURL|Source Referrer URL|Website|Website|2000|",
    "SourceIPAddress|Source IP Address|Text|Textbox|50|r",
    "Origin|Lead Origin|Select|Dropdown|50|1|API;Import;Landing Page Su"
    "bmission;Quick Add Form",
    "ProspectStage|Lead Stage|Select|Dropdown|100|m|Prospect;Opportunit"
    "y;Customer;Disqualified;Invalid",
    "ProspectActivityId_Max|Last Activity Id|Text|Textbox|50|r",
    "ProspectActivityName_Max|Last Activity|Text|Textbox|200|r",
    "ProspectActivityDate_Max|Last Activity Date|Date|DateTime|50|r",
    "ProspectActivityId_Min|First Activity Id|Text|Textbox|50|r",
    "ProspectActivityDate_Min|First Activity Date|Date|DateTime|50|r",
    "Score|Lead Score|Number|Number|10|n",
    "Groups|Groups|Text|Textbox|200|",
    "EngagementScore|Engagement Score|Number|Number|10|nr",
    "QualityScore01|Quality Score|Number|Number|10|n",
    "Revenue|Total Revenue|Number|Number|18|n",
    "TotalVisits|Total Visits|Number|Number|10|nr",
    "PageViewsPerVisit|Page Views Per Visit|Number|Number|10|nr",
    "AvgTimePerVisit|Average Time Per Visit|Number|Number|10|nr",
    "RelatedProspectId|Related Lead|Text|Textbox|50|",
    "OwnerId|Owner|ActiveUsers|ActiveUsers|50|m",
    "OwnerIdName|Owner Name|Text|Textbox|200|r",
    "OwnerIdEmailAddress|Owner Email|Email|Email|200|r",
    "CreatedBy|Created By|ActiveUsers|ActiveUsers|50|r",
    "CreatedByName|Created By Name|Text|Textbox|200|r",
    "CreatedOn|Created On|Date|DateTime|50|r",
    "ModifiedBy|Modified By|ActiveUsers|ActiveUsers|50|r",
    "ModifiedByName|Modified By Name|Text|Textbox|200|r",
    "ModifiedOn|Modified On|Date|DateTime|50|r",
    "LeadConversionDate|Lead Conversion Date|Date|DateTime|50|1",
    "LeadLastModifiedOn|Last Modified On|Date|DateTime|50|r",
    "LastVisitDate|Last Visit Date|Date|DateTime|50|r",
    "DoNotCall|Do Not Call|Boolean|Checkbox|5|",
    "DoNotEmail|Do Not Email|Boolean|Checkbox|5|",
    "DoNotTrack|Do Not Track|Boolean|Checkbox|5|",
    "DoNotSMS|Do Not SMS|Boolean|Checkbox|5|",
    "IsLead|Is Lead|Boolean|Checkbox|5|r",
    "IsStarredLead|Starred Lead|Boolean|Checkbox|5|",
    "IsTaggedLead|Tagged Lead|Boolean|Checkbox|5|",
    "CanUpdate|Can Update|Boolean|Checkbox|5|r",
    "MailingPreferences|Mailing Preferences|MultiSelect|MultiSelect|200"
    "0||Newsletter;Offers;Events",
    "TwitterId|Twitter Id|Text|Textbox|100|",
    "FacebookId|Facebook Id|Text|Textbox|100|",
    "LinkedInId|LinkedIn Id|Text|Textbox|100|",
    "SkypeId|Skype Id|Text|Textbox|100|",
    "GTalkId|GTalk Id|Text|Textbox|100|",
    "GooglePlusId|Google Plus Id|Text|Textbox|100|",
    "PhotoUrl|Photo|Website|Website|2000|",
    "Longitude|Longitude|Text|Textbox|50|",
    "Latitude|Latitude|Text|Textbox|50|",
    "TimeZone|Time Zone|Select|Dropdown|100||Asia/Kolkata;Asia/Singapor"
    "e;Europe/Dublin;America/Toronto;UTC",
    "Notes|Notes|Text|TextArea|2000|",
    "NotableEvent|Notable Event|Text|Textbox|200|r",
    "NotableEventdate|Notable Event Date|Date|DateTime|50|r",
    "Weight|Weight|Number|Number|10|n",
    "Age|Age|Number|Number|3|n",
    "PhoneNumber|Alternative Phone Number|Phone|Phone|50|",
    "mx_FirstName|First Name (custom)|Text|Textbox|200|",
    "mx_LastName|Last Name (custom)|Text|Textbox|200|",
    "mx_Customer_ID|Customer ID|Text|Textbox|50|u",
    "mx1_Legacy_Code|Legacy Code|Text|Textbox|50|",
    "mx_Street1|Address 1|Text|Textbox|200|",
    "mx_Street2|Address 2|Text|Textbox|200|",
    "mx_City|City|Text|Textbox|200|",
    "mx_State|State|Select|Dropdown|200||Karnataka;Maharashtra;Tamil Na"
    "du;Telangana;Delhi;Gujarat",
    "mx_Country|Country|Select|Dropdown|200||India;Singapore;United Sta"
    "tes;Ireland;Canada;United Arab Emirates",
    "mx_Zip|Zip|Text|Textbox|20|",
    "mx_Date_of_Birth|Date of Birth|Date|Date|50|",
    "mx_Gender|Gender|Select|Dropdown|50||Female;Male;Other;Not stated",
    "mx_Preferred_Time|Preferred Time to Call|Time|Time|50|",
    "mx_Preferred_Language|Preferred Language|Select|Dropdown|50||Engli"
    "sh;Hindi;Kannada;Tamil;Marathi",
    "mx_Interests|Interests|MultiSelect|MultiSelect|2000||Cricket;Music"
    ";Travel;Books",
    "mx_Consent|Consent Given|Boolean|Checkbox|5|",
    "mx_Consent_Date|Consent Date|Date|DateTime|50|1",
    "mx_Annual_Income|Annual Income|Number|Number|18|n",
    "mx_Secondary_Email|Secondary Email|Email|Email|200|",
    "mx_Alternate_Phone|Alternate Phone|Phone|Phone|50|",
    "mx_Company_Website|Company Website|Website|Website|500|",
    "mx_Registration_Number|Registration Number|Text|Textbox|50|1",
    "mx_Onboarded_By|Onboarded By|ActiveUsers|ActiveUsers|50|2",
    "mx_Joined_On|Joined On|Date|Date|50|2",
    "mx_Remarks|Remarks|Text|TextArea|4000|",
    "mx_Sequence|Sequence|Text|Textbox|50|",
    "mx_Branch|Branch|SearchableDropdown|Dropdown|200||Bengaluru;Mumbai"
    ";Chennai;Hyderabad;Delhi",
    "mx_UTM_Source|UTM Source|Text|Textbox|200|",
    "mx_UTM_Medium|UTM Medium|Text|Textbox|200|",
    "mx_UTM_Campaign|UTM Campaign|Text|Textbox|200|",
    "mx_UTM_Term|UTM Term|Text|Textbox|200|",
    "mx_UTM_Content|UTM Content|Text|Textbox|200|",
    "mx_mx_UTM_Campaign|mx_UTM_Campaign|Text|Textbox|200|",
    "mx_GCLID|GCLID|Text|Textbox|256|",
    "mx_Course_Name|Course Name|Text|Textbox|200|",
    "mx_Course_Amount|Course Amount|Number|Number|18|n",
    "mx_Course_Start|Course Start|Date|Date|50|",
    "mx_Course_Closed_At|Course Closed At|Date|DateTime|50|",
    "mx_Course_Status|Course Status|Select|Dropdown|100||New;In Progres"
    "s;Done;Dropped",
    "mx_Course_Active|Course Active|Boolean|Checkbox|5|",
    "mx_Course_Link|Course Link|Website|Website|500|",
    "mx_Course_Notes|Course Notes|Text|TextArea|2000|",
    "mx_Loan_Name|Loan Name|Text|Textbox|200|",
    "mx_Loan_Amount|Loan Amount|Number|Number|18|n",
    "mx_Loan_Start|Loan Start|Date|Date|50|",
    "mx_Loan_Closed_At|Loan Closed At|Date|DateTime|50|",
    "mx_Loan_Status|Loan Status|Select|Dropdown|100||New;In Progress;Do"
    "ne;Dropped",
    "mx_Loan_Active|Loan Active|Boolean|Checkbox|5|",
    "mx_Loan_Link|Loan Link|Website|Website|500|",
    "mx_Loan_Notes|Loan Notes|Text|TextArea|2000|",
    "mx_Policy_Name|Policy Name|Text|Textbox|200|",
    "mx_Policy_Amount|Policy Amount|Number|Number|18|n",
    "mx_Policy_Start|Policy Start|Date|Date|50|",
    "mx_Policy_Closed_At|Policy Closed At|Date|DateTime|50|",
    "mx_Policy_Status|Policy Status|Select|Dropdown|100||New;In Progres"
    "s;Done;Dropped",
    "mx_Policy_Active|Policy Active|Boolean|Checkbox|5|",
    "mx_Policy_Link|Policy Link|Website|Website|500|",
    "mx_Policy_Notes|Policy Notes|Text|TextArea|2000|",
    "mx_Visit_Name|Visit Name|Text|Textbox|200|",
    "mx_Visit_Amount|Visit Amount|Number|Number|18|n",
    "mx_Visit_Start|Visit Start|Date|Date|50|",
    "mx_Visit_Closed_At|Visit Closed At|Date|DateTime|50|",
    "mx_Visit_Status|Visit Status|Select|Dropdown|100||New;In Progress;"
    "Done;Dropped",
    "mx_Visit_Active|Visit Active|Boolean|Checkbox|5|",
    "mx_Visit_Link|Visit Link|Website|Website|500|",
    "mx_Visit_Notes|Visit Notes|Text|TextArea|2000|",
    "mx_Payment_Name|Payment Name|Text|Textbox|200|",
    "mx_Payment_Amount|Payment Amount|Number|Number|18|n",
    "mx_Payment_Start|Payment Start|Date|Date|50|",
    "mx_Payment_Closed_At|Payment Closed At|Date|DateTime|50|",
    "mx_Payment_Status|Payment Status|Select|Dropdown|100||New;In Progr"
    "ess;Done;Dropped",
    "mx_Payment_Active|Payment Active|Boolean|Checkbox|5|",
    "mx_Payment_Link|Payment Link|Website|Website|500|",
    "mx_Payment_Notes|Payment Notes|Text|TextArea|2000|",
    "mx_Referral_Name|Referral Name|Text|Textbox|200|",
    "mx_Referral_Amount|Referral Amount|Number|Number|18|n",
    "mx_Referral_Start|Referral Start|Date|Date|50|",
    "mx_Referral_Closed_At|Referral Closed At|Date|DateTime|50|",
    "mx_Referral_Status|Referral Status|Select|Dropdown|100||New;In Pro"
    "gress;Done;Dropped",
    "mx_Referral_Active|Referral Active|Boolean|Checkbox|5|",
    "mx_Referral_Link|Referral Link|Website|Website|500|",
    "mx_Referral_Notes|Referral Notes|Text|TextArea|2000|",
};

}  // namespace

FieldCatalogue FieldCatalogue::RealAccount() {
  FieldCatalogue catalogue;
  for (absl::string_view row : kRows) {
    const std::vector<std::string> cells = absl::StrSplit(row, '|');
    Field field;
    field.schema_name = cells[0];
    field.display_name = cells[1];
    field.data_type = cells[2];
    field.render_type_text = cells[3];
    field.max_length = cells[4];
    for (char flag : cells[5]) {
      switch (flag) {
        case 'u':
          field.is_unique = true;
          break;
        case 'm':
          field.is_mandatory = true;
          break;
        case 'r':
          field.is_read_only = true;
          break;
        case 'n':
          field.range_min = "0";
          field.range_max = "999999999";
          break;
        default:
          field.lock_after_create = flag - '0';
      }
    }
    if (cells.size() > 6) field.options = absl::StrSplit(cells[6], ';');
    // The table has no empty and no repeated name; a test says so.
    catalogue.Add(std::move(field)).IgnoreError();
  }
  return catalogue;
}

}  // namespace leadgateway::sandbox
